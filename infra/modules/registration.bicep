extension microsoftGraphV1

@description('Name by which a second deployment finds the registration again.')
param uniqueName string
param displayName string
param functionAppName string

@description('Host names that clients call.')
param hostnames array

@description('Client ids that may call on behalf of people without their consent on a page.')
param clientIds array

@description('The identity that proves to be this application, where the platform or the app signs people in.')
param identityPrincipalId string

@description('Whether the platform signs people in.')
param builtInAuthentication bool

@description('Host name at which the app signs people in itself; empty for none.')
param signInHostname string

// What the metadata of the app lists: a client may request all of it, and a refusal of the app names
// the scope to request next.
var scopes = [
  {
    value: 'user_impersonation'
    title: 'Ask questions about the stores'
    userTitle: 'Ask questions about your stores'
    purpose: 'ask Zava'
  }
  {
    value: 'sales.read'
    title: 'Read sales figures'
    userTitle: 'Read sales figures of your stores'
    purpose: 'read sales figures'
  }
  {
    value: 'products.read'
    title: 'Search products'
    userTitle: 'Search products'
    purpose: 'search products'
  }
  {
    value: 'customers.read'
    title: 'Read names and addresses of customers'
    userTitle: 'Read names and addresses of your customers'
    purpose: 'read names and addresses of customers'
  }
  {
    value: 'sql.query'
    title: 'Query the stores with SQL'
    userTitle: 'Query your stores with SQL'
    purpose: 'run SQL queries'
  }
  {
    value: 'chain.compare'
    title: 'Compare stores with the chain'
    userTitle: 'Compare your stores with the chain'
    purpose: 'compare stores with the chain'
  }
]
// An application has no whole: an administrator gives it the roles that it needs, each by itself.
var roles = filter(scopes, scope => scope.value != 'user_impersonation')
// With the tenant in it, which every directory accepts; the id of the application is not known
// before the application is.
var identifierUri = 'api://${tenant().tenantId}/${uniqueName}'

// Clients send the URL that they call as `resource`, and the directory compares it with these, byte
// for byte: an identifier that ends in a slash never matches. A URL of a domain that the directory
// has not verified is accepted only for an application of a single tenant with tokens of version 2.
resource application 'Microsoft.Graph/applications@v1.0' = {
  uniqueName: uniqueName
  displayName: displayName
  signInAudience: 'AzureADMyOrg'
  identifierUris: union([
    identifierUri
  ], map(hostnames, hostname => 'https://${hostname}/mcp'))
  api: {
    requestedAccessTokenVersion: 2
    oauth2PermissionScopes: [for scope in scopes: {
      id: guid(uniqueName, scope.value)
      value: scope.value
      type: 'User'
      isEnabled: true
      adminConsentDisplayName: scope.title
      adminConsentDescription: 'Lets the client ${scope.purpose} on behalf of the person who signed in.'
      userConsentDisplayName: scope.userTitle
      userConsentDescription: 'Lets the client ${scope.purpose} on your behalf.'
    }]
    preAuthorizedApplications: [for clientId in clientIds: {
      appId: clientId
      delegatedPermissionIds: map(scopes, scope => guid(uniqueName, scope.value))
    }]
  }
  appRoles: [for role in roles: {
    id: guid(uniqueName, 'application', role.value)
    value: role.value
    isEnabled: true
    displayName: '${role.title}, as an application'
    description: 'Lets an application ${role.purpose} under a grant of its own, without a person.'
    allowedMemberTypes: [
      'Application'
    ]
  }]
  web: {
    redirectUris: builtInAuthentication ? [
      'https://${functionAppName}.azurewebsites.net/.auth/login/aad/callback'
    ] : empty(signInHostname) ? [] : [
      'https://${signInHostname}/oauth/callback'
    ]
    implicitGrantSettings: {
      enableIdTokenIssuance: builtInAuthentication
    }
  }
}

resource federation 'Microsoft.Graph/applications/federatedIdentityCredentials@v1.0' = if (builtInAuthentication || !empty(signInHostname)) {
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
