// The app on Elastic Premium (EP1): for teams that need a fixed pool of warm workers. There is no Azure Files share,
// because shares need account keys: the package is run from a blob, read with the identity
// (Microsoft Learn, "Run your functions from a package file", "Create an app without Azure Files").
param planName string
param appName string
param location string
param tags object
param identityId string
param packageContainerUrl string
param warmInstances int
param maximumInstances int
param zoneRedundant bool
@description('Objects of name and value. They hold no secret: the instrumentation key opens nothing, channels are references.')
param settings array

resource plan 'Microsoft.Web/serverfarms@2024-11-01' = {
  // checkov:skip=CKV_AZURE_225:zone redundancy is the parameter zoneRedundant; not every region has zones
  name: planName
  location: location
  tags: tags
  kind: 'elastic'
  sku: {
    tier: 'ElasticPremium'
    name: 'EP1'
  }
  properties: {
    reserved: true
    elasticScaleEnabled: true
    maximumElasticWorkerCount: maximumInstances
    zoneRedundant: zoneRedundant
  }
}

resource app 'Microsoft.Web/sites@2024-11-01' = {
  // checkov:skip=CKV_AZURE_17:action groups and browsers bring no client certificate; callers bring a function key
  // checkov:skip=CKV_AZURE_222:action groups call from public addresses
  // checkov:skip=CKV_AZURE_213:the rule on silence watches what matters, whether `watch` succeeds; a ping does not
  // checkov:skip=CKV_AZURE_212:timers are singletons; a second warm worker is the parameter warmInstances
  name: appName
  location: location
  tags: union(tags, { 'azd-service-name': 'controller' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identityId
    siteConfig: {
      appSettings: concat(settings, [
        { name: 'FUNCTIONS_EXTENSION_VERSION', value: '~4' }
        { name: 'FUNCTIONS_WORKER_RUNTIME', value: 'python' }
        { name: 'WEBSITE_RUN_FROM_PACKAGE', value: '${packageContainerUrl}/released-package.zip' }
        { name: 'WEBSITE_RUN_FROM_PACKAGE_BLOB_MI_RESOURCE_ID', value: identityId }
      ])
      linuxFxVersion: 'Python|3.13'
      minTlsVersion: '1.2'
      http20Enabled: true
      ftpsState: 'Disabled'
      minimumElasticInstanceCount: warmInstances
      functionAppScaleLimit: maximumInstances
    }
  }
}
