"""The demo's scenarios at a pace for tests: a rule of four seconds, a look every two, a swap of two."""

from local.azure_simulator.config import Timings
from local.demo.pace import Pace

POLICY = """
workload: demo
site:
  resource: "%GUARDED_SITE_ID%"
  region: "%GUARDED_SITE_REGION%"
  url: "%GUARDED_SITE_URL%"
  good_slot: last-good
signals:
  error_rate:   {probe: /health, share: failed, requests: 20, every: 2s, timeout: 4s, stale_after: 8s}
  p95:          {probe: /health, latency: p95, requests: 20, every: 2s, timeout: 4s, stale_after: 8s}
  server_error: {metric: Http5xx, per: Requests, every: 60s, delay: 60s}
  user_p95:     {log: p95_by_minute.kql, workspace: "%GUARDED_WORKSPACE_ID%", unit: ms, every: 60s, delay: 3m}
triggers:
  critical:
    - {name: errors,        when: error_rate > 5%,   for: 4s,  at_least: 20 requests, max_gap: 8s}
  warning:
    - {name: slow,          when: p95 > 2000ms,      for: 10m, at_least: 20 requests}
  investigation:
    - {name: users_see_5xx, when: server_error > 1%, for: 10m, at_least: 100 requests}
    - {name: users_wait,    when: user_p95 > 1500ms, for: 20m, at_least: 100 requests}
levels:
  1: {verify: {path: /, fresh_clients: 5, looks: 2, look_every: 1s}}
guards: {blind_page_after: 5s}
notify:
  to: ["webhook:ops"]
"""

FAST_PACE = Pace(
    settings={"WATCH_SCHEDULE": "*/2 * * * * *"},
    policy=POLICY,
    timings=Timings(swap_s=2, swap_jitter_s=0.5),
    before_fault_s=1,
    blip_s=4,
    after_blip_s=8,
    quiet_s=6,
    after_page_s=3.5,
    aftermath_s=3.5,
    patience_s=75,
)
