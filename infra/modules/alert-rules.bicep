// Two rules on the workspace. The first is the second path to a rollback (our own probes are faster); the second
// guards the guard. Each query answers one row when there is something to say, so the rule counts rows.
param errorRuleName string
param silenceRuleName string
param location string
param tags object
param workspaceId string
param guardedSiteId string
param appName string
param controllerGroupId string
param peopleGroupId string

// A log alert takes a query without parameters: their declaration gives way to their values.
var asksAboutSite = 'declare query_parameters(site_id: string);'
var asksAboutApp = 'declare query_parameters(app_name: string);'
var serverErrorQuery = replace(loadTextContent('../kql/server_error_alert.kql'), asksAboutSite, 'let site_id = "${guardedSiteId}";')
var silenceQuery = replace(loadTextContent('../kql/silent_controller.kql'), asksAboutApp, 'let app_name = "${appName}";')

resource serverErrors 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = {
  name: errorRuleName
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: errorRuleName
    description: 'More than 5 % of the answers of the guarded site were 5xx in the last 5 minutes (20 requests or more).'
    severity: 1
    enabled: true
    scopes: [
      workspaceId
    ]
    evaluationFrequency: 'PT1M'
    windowSize: 'PT5M'
    autoMitigate: true
    skipQueryValidation: true // the table is empty until the site's first request; the query is checked by the tests
    criteria: {
      allOf: [
        {
          query: serverErrorQuery
          resourceIdColumn: '_ResourceId' // names the site, not the workspace, as what the alert is about
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: 0
          failingPeriods: {
            numberOfEvaluationPeriods: 1
            minFailingPeriodsToAlert: 1
          }
        }
      ]
    }
    actions: {
      actionGroups: [
        controllerGroupId
      ]
    }
  }
}

resource silence 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = {
  name: silenceRuleName
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: silenceRuleName
    description: 'The rollback controller has not finished a `watch` for 5 minutes: nobody guards the site now.'
    severity: 0
    enabled: true
    scopes: [
      workspaceId
    ]
    evaluationFrequency: 'PT1M'
    windowSize: 'PT15M' // wider than the 5 minutes of the query, so that late telemetry is still seen
    autoMitigate: true
    skipQueryValidation: true // the table is empty until the app first runs; the query is checked by the tests
    criteria: {
      allOf: [
        {
          query: silenceQuery
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: 0
          failingPeriods: {
            numberOfEvaluationPeriods: 1
            minFailingPeriodsToAlert: 1
          }
        }
      ]
    }
    actions: {
      actionGroups: [
        peopleGroupId
      ]
    }
  }
}
