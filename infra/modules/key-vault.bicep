// Secrets of the channels. The app reads them through Key Vault references, so no secret is an app setting.
param name string
param location string
param tags object
param principalId string
param workspaceId string
@secure()
param opsWebhookUrl string

var secretsUser = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '4633458b-17de-408a-b874-0445c86b69e6')

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' = {
  // checkov:skip=CKV_AZURE_109:the app has no virtual network, so its addresses change; the vault opens to one identity by role
  // checkov:skip=CKV_AZURE_189:the same: no virtual network, hence no private endpoint to come through
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: subscription().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 90
    enablePurgeProtection: true
    publicNetworkAccess: 'Enabled'
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: 'Allow'
    }
  }
}

resource opsWebhook 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = {
  // checkov:skip=CKV_AZURE_41:an address that expires by itself silences the pager at an hour nobody chose; rotate it by hand
  parent: vault
  name: 'channel-webhook-ops'
  properties: {
    value: opsWebhookUrl
    contentType: 'text/uri-list'
  }
}

resource readsSecrets 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: vault
  name: guid(vault.id, principalId, secretsUser)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: secretsUser
  }
}

resource auditLog 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: vault
  name: 'audit-to-workspace'
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        categoryGroup: 'audit'
        enabled: true
      }
    ]
  }
}

output opsWebhookReference string = '@Microsoft.KeyVault(VaultName=${vault.name};SecretName=${opsWebhook.name})'
