// Read metrics of the guarded site. On the subscription and no lower: the metrics data plane answers for a whole
// subscription and checks the caller there (README of the SDK azure-monitor-querymetrics, "Prerequisites").
targetScope = 'subscription'

param principalId string

var monitoringReader = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '43d0d8ad-25c7-4714-9337-8ba259a9fe05')

resource readsMetrics 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(subscription().id, principalId, monitoringReader)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: monitoringReader
  }
}
