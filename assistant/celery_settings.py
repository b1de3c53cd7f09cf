"""Celery's settings. No result back-end: results are rows."""

from django.conf import settings

broker_url = settings.REDIS_URL
broker_connection_retry_on_startup = True
broker_transport_options = {
    # A message is a wake-up call and nothing more: work is claimed in the database, and the watch
    # calls again for what nobody claimed. So nothing is kept until it is acknowledged.
    "ack_emulation": False,
    "socket_timeout": 10,
    "socket_connect_timeout": 3,
    # Nobody who asks waits for a broker that is away: the watch tells the workers later.
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.1,
    "interval_max": 0.2,
}
broker_pool_limit = 20
task_ignore_result = True
task_routes = {"chat.*": {"queue": "answers"}, "documents.*": {"queue": "documents"}}
task_serializer = "json"
accept_content = ["json"]
task_create_missing_queues = True
worker_prefetch_multiplier = 1
worker_hijack_root_logger = False
worker_send_task_events = False
task_send_sent_event = False
# Gossip and mingling cost messages and bring nothing: work is claimed in the database.
worker_enable_remote_control = True
