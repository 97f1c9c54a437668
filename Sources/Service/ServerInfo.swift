internal import Configuration
internal import Engine
internal import JSON
internal import Messages
internal import Orchestrator
internal import Plan

/// What the server says of itself.
struct ServerInfo: Sendable {
  let clock: any EngineClock
  let startedAt: Int64
  let store: String
  let isDurable: Bool
  let options: OrchestratorOptions
  let clients: ConnectionSettings

  var message: BatonV1.GetServerInfoResponse {
    let limits = options.limits
    let routes = options.routes
    var message = BatonV1.GetServerInfoResponse()
    message.version = BatonVersion.current
    message.store = store
    message.durability = isDurable ? "durable" : "none"
    message.routes =
      routes.byType.sorted { $0.key < $1.key }.map {
        BatonV1.Route(type: $0.key, adapters: $0.value)
      } + [BatonV1.Route(type: "default", adapters: routes.fallback)]
    message.limits = [
      "max_page_items": Int64(Page.itemsMax),
      "max_page_bytes": Int64(Page.bytesMax),
      "max_json_depth": Int64(JSONReader.maxDepth),
      "max_labels": Int64(limits.maxLabels),
      "max_metadata_bytes": Int64(limits.maxMetadataBytes),
      "max_task_metadata_bytes": Int64(limits.maxTaskMetadataBytes),
      "max_dependency_bytes": Int64(limits.maxDependencyBytes),
      "max_duration_ms": limits.maxDurationMilliseconds,
      "max_priority": Int64(limits.maxPriority),
      "max_unfinished_request_bytes": Int64(clients.requestBytes),
      "max_connections": Int64(clients.connections),
      "max_concurrent_streams": Int64(clients.concurrentStreams),
      "max_header_list_bytes": Int64(clients.headerListBytes),
      "headers_timeout_ms": clients.headersMilliseconds,
      "body_timeout_ms": clients.bodyMilliseconds,
      "write_timeout_ms": clients.writeMilliseconds,
      "max_tasks": Int64(limits.maxTasks),
      "max_edges": Int64(limits.maxEdges),
      "max_id_bytes": Int64(limits.maxIDBytes),
      "max_payload_bytes": Int64(limits.maxPayloadBytes),
      "max_output_bytes": Int64(limits.maxOutputBytes),
      "max_plan_output_bytes": limits.maxPlanOutputBytes,
      "max_attempts": Int64(limits.maxAttempts),
      "max_in_flight_tasks": Int64(options.places.inFlight),
      "max_parallel_tasks_per_plan": Int64(options.defaults.maxParallel),
      "max_submit_bytes": Int64(RequestLimits.submitBytes),
      "max_request_bytes": Int64(RequestLimits.requestBytes),
    ]
    message.uptimeMs = clock.milliseconds() - startedAt
    return message
  }
}

/// Largest request messages, in bytes.
enum RequestLimits {
  static let submitBytes = 16 << 20
  static let requestBytes = 4 << 20
}
