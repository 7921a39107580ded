// In the resource group of the guarded site: the one role that lets the controller swap its slots, and the site's
// request log sent to the controller's workspace. Operation names: Microsoft Learn, "Azure permissions for Web and
// Mobile". The role is on the group, not on the site, because following a swap needs read on the group.
param siteName string
param principalId string
param workspaceId string

var swapRoleName = guid(resourceGroup().id, 'rollback-controller', 'slot-swap')

resource site 'Microsoft.Web/sites@2024-11-01' existing = {
  name: siteName
}

resource swapRole 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: swapRoleName
  properties: {
    roleName: 'Rollback controller: slot swap (${swapRoleName})'
    description: 'Read a site and its slots, and swap them. No writes of settings, no deployment, no restart, no delete.'
    type: 'CustomRole'
    assignableScopes: [
      resourceGroup().id
    ]
    permissions: [
      {
        actions: [
          'Microsoft.Resources/subscriptions/resourceGroups/read' // follow a long-running operation in this group
          'Microsoft.Web/sites/read' // state, last swap, operation in progress
          'Microsoft.Web/sites/slots/read' // the slot that keeps the known-good build, which the swap starts from
          'Microsoft.Web/sites/config/list/action' // which build is live: app settings are listed by POST, secrets included
          'Microsoft.Web/sites/slots/config/list/action' // which build the slot keeps
          'Microsoft.Web/sites/slots/slotsswap/action' // level 1
          'Microsoft.Web/sites/resetSlotConfig/action' // a swap with preview that somebody left keeps every other one out
          'Microsoft.Web/sites/operationresults/read' // how the swap stands, when Azure answers for the site
          'Microsoft.Web/sites/slots/operationresults/read' // how the swap stands, when Azure answers for the slot
          'Microsoft.Web/sites/config/read' // readiness: which settings stay with their slot
          'Microsoft.Authorization/permissions/read' // readiness: whether this very role is there
        ]
        notActions: []
      }
    ]
  }
}

resource swaps 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(resourceGroup().id, principalId, swapRoleName)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: swapRole.id
  }
}

resource requestLog 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: site
  name: 'requests-to-rollback-controller'
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'AppServiceHTTPLogs'
        enabled: true
      }
    ]
  }
}

output url string = 'https://${site.properties.defaultHostName}'
// A slot is <site>-<slot> in the site's own domain, unless the site was made with a unique default host name.
output slotUrl string = 'https://${replace(site.properties.defaultHostName, siteName, '${siteName}-last-good')}'
output region string = site.location
