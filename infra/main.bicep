// The rollback controller in one resource group. See README.md for the roles, the commands and what could not be shown.
targetScope = 'resourceGroup'

@description('Name of this environment; part of every resource name.')
@minLength(2)
@maxLength(12)
param environmentName string

@description('Region of the controller. Choose another one than the guarded site has: the watch should survive what it watches.')
param location string = resourceGroup().location

@description('FC1 is Flex Consumption; EP1 is Elastic Premium.')
@allowed([
  'FC1'
  'EP1'
])
param plan string = 'FC1'

@description('Instances that never sleep, by function or group (Flex Consumption). An idle night must not add a cold start to a rollback.')
param alwaysReady array = [
  { name: 'http', instanceCount: 1 }
  { name: 'function:watch', instanceCount: 1 }
  { name: 'function:evaluate', instanceCount: 1 }
  { name: 'function:rollback_level_1', instanceCount: 1 }
]

@description('Workers that never sleep (Elastic Premium).')
@minValue(1)
@maxValue(20)
param warmInstances int = 1

@description('Upper bound of instances on Flex Consumption. A flood of alerts costs at most this much.')
@minValue(40)
@maxValue(1000)
param maximumInstances int = 40

@description('Upper bound of workers on Elastic Premium.')
@minValue(1)
@maxValue(20)
param maximumWorkers int = 3

@allowed([
  512
  2048
  4096
])
param instanceMemoryMB int = 2048

@description('Spread over availability zones, where the region has them.')
param zoneRedundant bool = false

param storageSku string = 'Standard_ZRS'

@minValue(30)
@maxValue(730)
param logRetentionDays int = 90

@description('Log Analytics stops taking data beyond this in a day. -1 is no limit: a cap that is reached makes the watch blind.')
param logDailyQuotaGb int = -1

@description('ARM id of the guarded App Service site.')
param guardedSiteId string

@description('Address that users know the guarded site by; its default host name if empty.')
param guardedSiteUrl string = ''

@description('Address at which the slot last-good of the guarded site answers. With unique default host names: as the portal shows it.')
param guardedSlotUrl string = ''

@description('Name of the rule on 5xx answers: a signal of kind `alert` in a policy names it.')
param serverErrorRuleName string = 'demo-5xx'

@description('Mail addresses of the people on call.')
@minLength(1)
param mailAddresses array

@description('Key that action groups bring to /api/alerts. You choose it; the postdeploy hook of azure.yaml stores it in the app.')
@secure()
@minLength(32)
param alertsFunctionKey string

@description('Webhook of the channel `webhook:ops`.')
@secure()
param opsWebhookUrl string

@description('NCRONTAB, seconds first.')
param watchSchedule string = '*/10 * * * * *'

@description('NCRONTAB, seconds first.')
param evaluateSchedule string = '5/30 * * * * *'

@description('NCRONTAB, seconds first.')
param poisonSchedule string = '20 * * * * *'

@description('NCRONTAB, seconds first.')
param readinessSchedule string = '40 * * * * *'

@description('NCRONTAB, seconds first; at most ten minutes apart.')
param rollUpSchedule string = '50 */5 * * * *'

@description('Entra ID tenant whose tokens the API takes; empty: function keys alone, and nobody approves.')
param entraTenantId string = ''

@description('Client id, or api:// address, of the registration that tokens are meant for.')
param entraAudience string = ''

param policyFolder string = 'policies'

@description('What your own policies name with %NAME%, beyond the GUARDED_ settings below: objects of name and value. No secrets.')
param policySettings array = []

var token = uniqueString(resourceGroup().id, environmentName)
var appName = 'func-${environmentName}-${token}'
var appHostName = '${appName}.azurewebsites.net'
var planName = 'plan-${environmentName}-${token}'
var packageContainer = 'packages'
var queueNames = [
  'promotions'
  'rollback-level-1'
  'rollback-level-2'
  'rollback-level-3'
  'rollback-level-4'
  'watch'
  'samples'
  'commands'
  'notifications'
  'checkpoints'
]
var guardedSubscriptionId = split(guardedSiteId, '/')[2]
var guardedGroupName = split(guardedSiteId, '/')[4]
var guardedSiteName = split(guardedSiteId, '/')[8]
var tags = {
  'azd-env-name': environmentName
  application: 'rollback-controller'
}

module identity 'modules/identity.bicep' = {
  name: 'identity'
  params: {
    name: 'id-${environmentName}-${token}'
    location: location
    tags: tags
  }
}

module storage 'modules/storage.bicep' = {
  name: 'storage'
  params: {
    name: 'st${token}'
    location: location
    tags: tags
    sku: storageSku
    deploymentContainerName: packageContainer
    principalId: identity.outputs.principalId
  }
}

module queues 'modules/work-queue.bicep' = [for queueName in queueNames: {
  name: 'queue-${queueName}'
  params: {
    accountName: storage.outputs.name
    queueName: queueName
  }
}]

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  params: {
    workspaceName: 'log-${environmentName}-${token}'
    insightsName: 'appi-${environmentName}-${token}'
    location: location
    tags: tags
    principalId: identity.outputs.principalId
    retentionDays: logRetentionDays
    dailyQuotaGb: logDailyQuotaGb
  }
}

module storageLogs 'modules/storage-logs.bicep' = {
  name: 'storage-logs'
  params: {
    accountName: storage.outputs.name
    workspaceId: monitoring.outputs.workspaceId
  }
}

module keyVault 'modules/key-vault.bicep' = {
  name: 'key-vault'
  params: {
    name: 'kv-${token}'
    location: location
    tags: tags
    principalId: identity.outputs.principalId
    workspaceId: monitoring.outputs.workspaceId
    opsWebhookUrl: opsWebhookUrl
  }
}

module guardedSite 'modules/guarded-site.bicep' = {
  name: 'guarded-site-${token}'
  scope: resourceGroup(guardedSubscriptionId, guardedGroupName)
  params: {
    siteName: guardedSiteName
    principalId: identity.outputs.principalId
    workspaceId: monitoring.outputs.workspaceId
  }
}

module metricsAccess 'modules/metrics-access.bicep' = {
  name: 'metrics-access-${token}'
  scope: subscription(guardedSubscriptionId)
  params: {
    principalId: identity.outputs.principalId
  }
}

var settings = concat([
  { name: 'AzureWebJobsStorage__accountName', value: storage.outputs.name }
  { name: 'AzureWebJobsStorage__credential', value: 'managedidentity' }
  { name: 'AzureWebJobsStorage__clientId', value: identity.outputs.clientId }
  { name: 'APPLICATIONINSIGHTS_CONNECTION_STRING', value: monitoring.outputs.connectionString }
  { name: 'APPLICATIONINSIGHTS_AUTHENTICATION_STRING', value: 'ClientId=${identity.outputs.clientId};Authorization=AAD' }
  { name: 'AZURE_CLIENT_ID', value: identity.outputs.clientId }
  { name: 'ARM_ENDPOINT', value: environment().resourceManager }
  { name: 'METRICS_ENDPOINT', value: 'https://{region}.metrics.monitor.azure.com' }
  { name: 'LOGS_ENDPOINT', value: 'https://api.loganalytics.io' }
  // The worker's own default is one thread per core and four: a few slow webhooks would hold up timers and rollbacks.
  { name: 'PYTHON_THREADPOOL_THREAD_COUNT', value: '32' }
  { name: 'WATCH_SCHEDULE', value: watchSchedule }
  { name: 'EVALUATE_SCHEDULE', value: evaluateSchedule }
  { name: 'POISON_SCHEDULE', value: poisonSchedule }
  { name: 'READINESS_SCHEDULE', value: readinessSchedule }
  { name: 'ROLL_UP_SCHEDULE', value: rollUpSchedule }
  { name: 'ENTRA_TENANT_ID', value: entraTenantId }
  { name: 'ENTRA_AUDIENCES', value: entraAudience }
  { name: 'LINK_ADDRESS', value: 'https://${appHostName}/api/answers' }
  { name: 'POLICY_FOLDER', value: policyFolder }
  { name: 'CHANNEL_WEBHOOK_OPS', value: keyVault.outputs.opsWebhookReference }
  { name: 'GUARDED_SITE_ID', value: guardedSiteId }
  { name: 'GUARDED_SITE_URL', value: empty(guardedSiteUrl) ? guardedSite.outputs.url : guardedSiteUrl }
  { name: 'GUARDED_SLOT_URL', value: empty(guardedSlotUrl) ? guardedSite.outputs.slotUrl : guardedSlotUrl }
  { name: 'GUARDED_SITE_REGION', value: guardedSite.outputs.region }
  { name: 'GUARDED_WORKSPACE_ID', value: monitoring.outputs.workspaceGuid }
], policySettings)

module flexApp 'modules/function-app-flex.bicep' = if (plan == 'FC1') {
  name: 'function-app-flex'
  params: {
    planName: planName
    appName: appName
    location: location
    tags: tags
    identityId: identity.outputs.id
    packageContainerUrl: '${storage.outputs.blobEndpoint}${packageContainer}'
    alwaysReady: alwaysReady
    maximumInstances: maximumInstances
    instanceMemoryMB: instanceMemoryMB
    zoneRedundant: zoneRedundant
    settings: settings
  }
  dependsOn: [
    queues
  ]
}

module premiumApp 'modules/function-app-premium.bicep' = if (plan == 'EP1') {
  name: 'function-app-premium'
  params: {
    planName: planName
    appName: appName
    location: location
    tags: tags
    identityId: identity.outputs.id
    packageContainerUrl: '${storage.outputs.blobEndpoint}${packageContainer}'
    warmInstances: warmInstances
    maximumInstances: maximumWorkers
    zoneRedundant: zoneRedundant
    settings: settings
  }
  dependsOn: [
    queues
  ]
}

module functionAppAccess 'modules/function-app-access.bicep' = {
  name: 'function-app-access'
  params: {
    appName: appName
    workspaceId: monitoring.outputs.workspaceId
  }
  dependsOn: [
    flexApp
    premiumApp
  ]
}

module actionGroups 'modules/action-groups.bicep' = {
  name: 'action-groups'
  params: {
    controllerName: 'ag-controller-${environmentName}'
    peopleName: 'ag-people-${environmentName}'
    tags: tags
    appHostName: appHostName
    mailAddresses: mailAddresses
    alertsFunctionKey: alertsFunctionKey
  }
}

module alertRules 'modules/alert-rules.bicep' = {
  name: 'alert-rules'
  params: {
    errorRuleName: serverErrorRuleName
    silenceRuleName: 'controller-silent-${environmentName}'
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
    guardedSiteId: guardedSiteId
    appName: appName
    controllerGroupId: actionGroups.outputs.controllerId
    peopleGroupId: actionGroups.outputs.peopleId
  }
}

output CONTROLLER_APP_NAME string = appName
output CONTROLLER_URL string = 'https://${appHostName}'
output CONTROLLER_PRINCIPAL_ID string = identity.outputs.principalId
output CONTROLLER_PACKAGE_CONTAINER_URL string = '${storage.outputs.blobEndpoint}${packageContainer}'
