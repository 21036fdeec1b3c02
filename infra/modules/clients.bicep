extension microsoftGraphV1

@description('Name by which a second deployment finds the registration again.')
param uniqueName string
param displayName string

@description('More redirects of clients without a secret.')
param redirects array

@description('More redirects of clients with a secret.')
param webRedirects array

// The directory ignores the port of these, and compares the path.
var loopbackPaths = [
  '/'
  '/callback'
  '/oauth/callback'
]

// Apart from the registration of the app: a client that is the application itself cannot refresh
// its token without naming a scope (AADSTS90009).
resource application 'Microsoft.Graph/applications@v1.0' = {
  uniqueName: uniqueName
  displayName: displayName
  signInAudience: 'AzureADMyOrg'
  // Also for clients that redeem the code on a server of theirs: they have PKCE and no secret, which
  // no other kind of redirect accepts (AADSTS7000218, AADSTS9002327).
  publicClient: {
    redirectUris: union([
      'https://claude.ai/api/mcp/auth_callback'
      'https://claude.com/api/mcp/auth_callback'
      'https://chatgpt.com/connector_platform_oauth_redirect'
      'https://vscode.dev/redirect'
      'cursor://anysphere.cursor-mcp/oauth/callback'
      'https://www.cursor.com/agents/mcp/oauth/callback'
    ], map(loopbackPaths, path => 'http://localhost${path}'), map(loopbackPaths, path => 'http://127.0.0.1${path}'), redirects)
  }
  // Copilot Studio sends a secret, which the directory accepts at a redirect of this kind alone.
  web: {
    redirectUris: union([
      'https://global.consent.azure-apim.net/redirect'
    ], webRedirects)
  }
}

resource enterpriseApplication 'Microsoft.Graph/servicePrincipals@v1.0' = {
  appId: application.appId
}

output applicationId string = application.appId
