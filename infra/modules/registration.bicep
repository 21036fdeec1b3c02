extension microsoftGraphV1

@description('Name by which a second deployment finds the registration again.')
param uniqueName string
param displayName string
param functionAppName string

@description('Client ids that may call on behalf of people without their consent on a page.')
param clientIds array

@description('The identity that proves to be this application, where the platform signs people in.')
param identityPrincipalId string

@description('Whether the platform signs people in; otherwise there is no redirect and no id token.')
param builtInAuthentication bool

var scopeId = guid(uniqueName, 'user_impersonation')
// With the tenant in it, which every directory accepts; the id of the application is not known
// before the application is.
var identifierUri = 'api://${tenant().tenantId}/${uniqueName}'

resource application 'Microsoft.Graph/applications@v1.0' = {
  uniqueName: uniqueName
  displayName: displayName
  signInAudience: 'AzureADMyOrg'
  identifierUris: [
    identifierUri
  ]
  api: {
    requestedAccessTokenVersion: 2
    oauth2PermissionScopes: [
      {
        id: scopeId
        value: 'user_impersonation'
        type: 'User'
        isEnabled: true
        adminConsentDisplayName: 'Ask questions about the stores'
        adminConsentDescription: 'Lets the client ask Zava on behalf of the person who signed in.'
        userConsentDisplayName: 'Ask questions about your stores'
        userConsentDescription: 'Lets the client ask Zava on your behalf.'
      }
    ]
    preAuthorizedApplications: [for clientId in clientIds: {
      appId: clientId
      delegatedPermissionIds: [
        scopeId
      ]
    }]
  }
  web: {
    redirectUris: builtInAuthentication ? [
      'https://${functionAppName}.azurewebsites.net/.auth/login/aad/callback'
    ] : []
    implicitGrantSettings: {
      enableIdTokenIssuance: builtInAuthentication
    }
  }
}

resource federation 'Microsoft.Graph/applications/federatedIdentityCredentials@v1.0' = if (builtInAuthentication) {
  name: '${application.uniqueName}/function-app'
  description: 'The managed identity of the function app, instead of a client secret.'
  audiences: [
    'api://AzureADTokenExchange'
  ]
  issuer: '${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'
  subject: identityPrincipalId
}

resource enterpriseApplication 'Microsoft.Graph/servicePrincipals@v1.0' = {
  appId: application.appId
}

output applicationId string = application.appId
output applicationIdUri string = identifierUri
