// Who hears of an alert. `controller` calls the app's webhook and mails people; `people` mails people only: an alert
// that says the controller is silent must not be sent to the controller.
param controllerName string
param peopleName string
param tags object
param appHostName string
param mailAddresses array
@secure()
param alertsFunctionKey string

var mailReceivers = [for (address, position) in mailAddresses: {
  name: 'mail-${position}'
  emailAddress: address
  useCommonAlertSchema: true
}]

resource controller 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: controllerName
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'rollback'
    enabled: true
    emailReceivers: mailReceivers
    webhookReceivers: [
      {
        name: 'alerts'
        serviceUri: 'https://${appHostName}/api/alerts?code=${uriComponent(alertsFunctionKey)}'
        useCommonAlertSchema: true
      }
    ]
  }
}

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: peopleName
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'rb-people'
    enabled: true
    emailReceivers: mailReceivers
  }
}

output controllerId string = controller.id
output peopleId string = people.id
