// The app on Flex Consumption (FC1). Each timer and queue function has instances of its own here, and HTTP functions
// share some: what must answer at 3 a.m. without a cold start is listed in `alwaysReady`
// (Microsoft Learn, "Azure Functions Flex Consumption plan hosting": groups `http`, `blob`, `durable`, `function:<name>`).
param planName string
param appName string
param location string
param tags object
param identityId string
param packageContainerUrl string
param alwaysReady array
param maximumInstances int
param instanceMemoryMB int
param zoneRedundant bool
@description('Objects of name and value. They hold no secret: the instrumentation key opens nothing, channels are references.')
param settings array

resource plan 'Microsoft.Web/serverfarms@2024-11-01' = {
  // checkov:skip=CKV_AZURE_225:zone redundancy is the parameter zoneRedundant; not every region has zones
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    tier: 'FlexConsumption'
    name: 'FC1'
  }
  properties: {
    reserved: true
    zoneRedundant: zoneRedundant
  }
}

resource app 'Microsoft.Web/sites@2024-11-01' = {
  // checkov:skip=CKV_AZURE_17:action groups and browsers bring no client certificate; callers bring a function key
  // checkov:skip=CKV_AZURE_222:action groups call from public addresses
  // checkov:skip=CKV_AZURE_213:health checks of App Service do not exist on Flex Consumption
  // checkov:skip=CKV_AZURE_212:Flex Consumption has no worker count; what is kept warm is listed in alwaysReady
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
      appSettings: settings
      minTlsVersion: '1.2'
      http20Enabled: true
      ftpsState: 'Disabled'
    }
    functionAppConfig: {
      runtime: {
        name: 'python'
        version: '3.13'
      }
      scaleAndConcurrency: {
        alwaysReady: alwaysReady
        maximumInstanceCount: maximumInstances
        instanceMemoryMB: instanceMemoryMB
      }
      deployment: {
        storage: {
          type: 'blobContainer'
          value: packageContainerUrl
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
    }
  }
}
