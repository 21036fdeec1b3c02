param actionGroupName string
param location string
param tags object
param insightsId string

@description('Who is told by mail; empty for nobody.')
param email string

// What each query counts in five minutes is compared with its threshold: more than that is told.
// Severity 1 is to be seen to at once, 2 within the day. docs/how-to/operations.md says what to do.
var rules = [
  {
    name: 'server-errors'
    description: 'Calls failed for a reason that nobody expected.'
    severity: 1
    query: 'customMetrics | where name == "operation_error" and tostring(customDimensions.type) == "unexpected" | summarize measured = sum(valueSum)'
    threshold: 0
  }
  {
    name: 'failing-statements'
    description: 'Statements of the server itself failed, which a caller can hardly cause.'
    severity: 1
    query: 'customMetrics | where name == "query_total" and tostring(customDimensions.type) == "own" and tostring(customDimensions.status) == "error" | summarize measured = sum(valueSum)'
    threshold: 5
  }
  {
    name: 'database-given-up'
    description: 'The database did not answer, and callers were told so at once.'
    severity: 1
    query: 'customMetrics | where name == "database_given_up" | summarize measured = sum(valueSum)'
    threshold: 0
  }
  {
    name: 'slow-statements'
    description: 'Statements took longer than ZAVA_SLOW_QUERY_SECONDS.'
    severity: 2
    query: 'customMetrics | where name == "slow_query" | summarize measured = sum(valueSum)'
    threshold: 10
  }
  {
    name: 'late-orders'
    description: 'No order came for longer than ZAVA_LATE_ORDERS_HOURS.'
    severity: 2
    query: 'customMetrics | where name == "orders_late" | summarize measured = sum(valueSum)'
    threshold: 0
  }
  {
    name: 'pool-waits'
    description: 'Statements waited for a connection, on the average of milliseconds.'
    severity: 2
    query: 'customMetrics | where name == "pool_wait_duration" | summarize measured = 1000 * sum(valueSum) / sum(valueCount)'
    threshold: 500
  }
  {
    name: 'refused-tokens'
    description: 'Authentication failed: tokens that do not hold were sent.'
    severity: 2
    query: 'customMetrics | where name == "request_refused" and tostring(customDimensions.reason) == "bad_token" | summarize measured = sum(valueSum)'
    threshold: 50
  }
]

resource group 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: actionGroupName
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'zava'
    enabled: true
    emailReceivers: empty(email) ? [] : [
      {
        name: 'operations'
        emailAddress: email
        useCommonAlertSchema: true
      }
    ]
  }
}

resource alerts 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [for rule in rules: {
  name: 'zava-${rule.name}'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: 'Zava: ${rule.name}'
    description: rule.description
    severity: rule.severity
    enabled: true
    scopes: [
      insightsId
    ]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT5M'
    // Resolved by itself when the next five minutes are well.
    autoMitigate: true
    // Until the app has spoken for the first time there is nothing to validate against.
    skipQueryValidation: true
    criteria: {
      allOf: [
        {
          query: rule.query
          metricMeasureColumn: 'measured'
          timeAggregation: 'Total'
          operator: 'GreaterThan'
          threshold: rule.threshold
          failingPeriods: {
            numberOfEvaluationPeriods: 1
            minFailingPeriodsToAlert: 1
          }
        }
      ]
    }
    actions: {
      actionGroups: [
        group.id
      ]
    }
  }
}]
