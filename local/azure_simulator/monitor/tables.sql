-- What the front doors served, and the two Log Analytics tables that tell it. Columns and types follow
-- https://learn.microsoft.com/azure/azure-monitor/reference/tables/appservicehttplogs and .../apprequests.
-- `scope` holds one row: what the query at hand may see.
CREATE TABLE served (
    sequence BIGINT, finished_at TIMESTAMP, site VARCHAR, slot VARCHAR, build VARCHAR, method VARCHAR,
    path VARCHAR, query VARCHAR, status INTEGER, duration_s DOUBLE, user_agent VARCHAR, by_app BOOLEAN,
    host VARCHAR, client_ip VARCHAR, received_bytes INTEGER, sent_bytes INTEGER
);

CREATE TABLE sites (site VARCHAR, slot VARCHAR, workspace_id VARCHAR, resource_id VARCHAR, role VARCHAR);

CREATE TABLE scope (workspace_id VARCHAR, tenant_id VARCHAR, starts_at TIMESTAMP, ends_at TIMESTAMP);

CREATE VIEW visible AS
SELECT served.*, sites.resource_id, sites.role, scope.tenant_id
FROM served
JOIN sites ON sites.site = served.site AND sites.slot = served.slot
JOIN scope ON scope.workspace_id = sites.workspace_id
WHERE served.finished_at >= scope.starts_at AND served.finished_at < scope.ends_at;

CREATE VIEW AppServiceHTTPLogs AS
SELECT
    tenant_id AS TenantId,
    finished_at AS TimeGenerated,
    'AppServiceHTTPLogs' AS Category,
    method AS CsMethod,
    path AS CsUriStem,
    query AS CsUriQuery,
    '443' AS SPort,
    '' AS CsUsername,
    client_ip AS CIp,
    user_agent AS UserAgent,
    '' AS Cookie,
    '' AS Referer,
    host AS CsHost,
    status AS ScStatus,
    '0' AS ScSubStatus,
    '0' AS ScWin32Status,
    sent_bytes AS ScBytes,
    received_bytes AS CsBytes,
    CAST(round(duration_s * 1000) AS INTEGER) AS TimeTaken,
    CASE WHEN status < 400 THEN 'Success' ELSE 'Failed' END AS Result,
    'HTTP/1.1' AS Protocol,
    role AS ComputerName,
    'Azure' AS SourceSystem,
    'AppServiceHTTPLogs' AS Type,
    resource_id AS _ResourceId
FROM visible;

-- Application Insights sees what the app itself answered; a front door's own 503 never reaches it.
CREATE VIEW AppRequests AS
SELECT
    tenant_id AS TenantId,
    finished_at AS TimeGenerated,
    CAST(sequence AS VARCHAR) AS Id,
    method || ' ' || path AS Name,
    'https://' || host || path || CASE WHEN query = '' THEN '' ELSE '?' || query END AS Url,
    status < 400 AS Success,
    CAST(status AS VARCHAR) AS ResultCode,
    duration_s * 1000 AS DurationMs,
    CAST(sequence AS VARCHAR) AS OperationId,
    method || ' ' || path AS OperationName,
    role AS AppRoleName,
    role AS AppRoleInstance,
    build AS AppVersion,
    '0.0.0.0' AS ClientIP,
    'PC' AS ClientType,
    1 AS ItemCount,
    CAST('{}' AS JSON) AS Properties,
    CAST('{}' AS JSON) AS Measurements,
    'Azure' AS SourceSystem,
    'AppRequests' AS Type,
    resource_id AS _ResourceId
FROM visible
WHERE by_app;
