// An example. azd fills the environment from `azd env set NAME value`; with az alone, export the variables first.
using 'main.bicep'

param environmentName = readEnvironmentVariable('AZURE_ENV_NAME', 'rollback')
param location = readEnvironmentVariable('AZURE_LOCATION', 'westeurope')
param guardedSiteId = readEnvironmentVariable('GUARDED_SITE_ID')
param guardedSiteUrl = readEnvironmentVariable('GUARDED_SITE_URL', '')
param guardedSlotUrl = readEnvironmentVariable('GUARDED_SLOT_URL', '')
param mailAddresses = split(readEnvironmentVariable('ON_CALL_MAIL'), ',')
param alertsFunctionKey = readEnvironmentVariable('ALERTS_FUNCTION_KEY')
param opsWebhookUrl = readEnvironmentVariable('OPS_WEBHOOK_URL')

// What the policies in policies/ name with %NAME%, for instance:
// param policySettings = [
//   { name: 'ORDERS_SITE_ID', value: '/subscriptions/.../providers/Microsoft.Web/sites/orders' }
// ]
param policySettings = []
