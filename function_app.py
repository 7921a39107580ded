"""A serverless rollback controller: it watches a change from outside and takes it back safely.

| function                  | trigger                                | what it does                                 |
|---------------------------|----------------------------------------|----------------------------------------------|
| watch                     | timer, WATCH_SCHEDULE                  | collects samples, evaluates, decides, acts   |
| evaluate                  | timer, EVALUATE_SCHEDULE               | evaluates what is there: silence is noticed  |
| check_readiness           | timer, READINESS_SCHEDULE              | checks whether things could be taken back    |
| watch_databases           | timer, READINESS_SCHEDULE              | looks after databases that are moved          |
| roll_up                   | timer, ROLL_UP_SCHEDULE                | rolls up samples into minutes, hours, days   |
| sweep_poison              | timer, POISON_SCHEDULE                 | records what the host gave up on, rings again |
| watch_now                 | queue watch                            | watches one workload at once                 |
| rollback_level_1          | queue rollback-level-1 (to 4)          | advances a rollback of that level            |
| promotions                | queue promotions                       | advances a promotion                         |
| keep_checkpoints          | queue checkpoints                      | from when on rows of databases can go back   |
| take_samples              | queue samples                          | takes in samples that a workload pushes      |
| obey                      | queue commands                         | obeys a command to a change                  |
| notify                    | queue notifications                    | tells people from a recorded event           |
| alerts                    | POST /api/alerts                       | takes in an alert of Azure Monitor           |
| push_samples              | POST /api/workloads/{name}/samples     | takes in samples that a workload pushes      |
| list_workloads            | GET /api/workloads                     | every workload with its verdict and sentence |
| show_workload             | GET /api/workloads/{name}              | verdict, triggers with their clocks, history |
| show_metrics              | GET /api/workloads/{name}/metrics      | a range of time: points, insights, what fired |
| show_advice               | GET /api/workloads/{name}/advice       | costly queries and indexes of its databases   |
| record_known_good         | PUT /api/workloads/{name}/known-good   | records the build to go back to              |
| start_change              | POST /api/workloads/{name}/changes     | records that a change begins                 |
| command_change            | POST /api/workloads/{name}/commands    | tells a change what to do, or how it is      |
| show_control              | GET /api/workloads/{name}/control      | what the change should do now                |
| start_promotion           | POST /api/workloads/{name}/promotions  | takes a build forward                        |
| show_readiness            | GET /api/workloads/{name}/readiness    | whether it could be taken back now           |
| start_drill               | POST /api/workloads/{name}/drills      | rehearses a level                            |
| start_rollback            | POST /api/workloads/{name}/rollbacks   | starts a rollback by hand, or asks for it    |
| preview_rollback          | GET /api/workloads/{name}/rollbacks/preview | what a level would do to the rows now   |
| show_databases            | GET /api/workloads/{name}/databases    | whether rows could go back, and from when on |
| take_checkpoints          | POST /api/workloads/{name}/databases/checkpoints | takes those of the change in progress |
| show_rollback             | GET /api/rollbacks/{id}                | steps, timings, evidence; or the question    |
| show_receipt              | GET /api/rollbacks/{id}/receipt        | the signed receipt of one that ended         |
| cancel_rollback           | POST /api/rollbacks/{id}/cancel        | ends it; says what cannot be taken back      |
| approve, reject           | POST /api/rollbacks/{id}/approve, /reject | answers what is asked                     |
| show_question, answer_question | GET, POST /api/answers/{token}    | the page that a link leads to, and its form  |
| show_fleet                | GET /api/fleet                         | pause switch and budget of all workloads     |
| pause_fleet, resume_fleet | PUT, DELETE /api/fleet/pause           | no automatic rollback starts while it is paused |
| show_audit                | GET /api/audit                         | who did what, in rows chained by a hash      |
| show_openapi              | GET /api/openapi.json                  | this API, described for programs             |
| show_health, ready, live  | GET /api/health, /ready, /live         | whether the app can do its work              |

Nothing here, or in what is imported here, reads a setting or opens a connection: one exception at import, and no
function of the app would load.
"""

import azure.functions as func

from shared.functions.api import api
from shared.functions.queues import queues
from shared.functions.timers import timers

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)
for blueprint in (timers, queues, api):
    app.register_functions(blueprint)
