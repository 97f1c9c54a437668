import Foundation
import GRPC
import Messages
import Plan
import Stubs
import Testing

/// The limits that the server puts around its services, by its own wiring.
@Suite("Limits", .timeLimit(.minutes(2)))
struct LimitTests {
  /// A plan of payloads that are `bytes` long together.
  private static func plan(bytes: Int) -> BatonV1.Plan {
    let size = 1 << 20
    let tasks = (0..<(bytes / size)).map { index in
      BatonV1.Task(
        id: "t\(index)", type: "prompt",
        payloadJson: Array("{\"prompt\":\"\(String(repeating: "x", count: size - 64))\"}".utf8))
    }
    return BatonV1.Plan(name: "large", tasks: tasks)
  }

  @Test("a plan may take 16 MiB, any other request 4 MiB")
  func messages() async throws {
    let stage = try await Stage(store: "memory")
    let orchestrator = stage.orchestrator
    let valid = try await orchestrator.validatePlan(
      BatonV1.ValidatePlanRequest(plan: Self.plan(bytes: 15 << 20)))
    #expect(valid.problems.isEmpty && valid.levels.count == 1)
    let tooLarge = Self.plan(bytes: 17 << 20)
    let submitted = await #expect(throws: RPCError.self) {
      _ = try await orchestrator.submitPlan(BatonV1.SubmitPlanRequest(plan: tooLarge))
    }
    let validated = await #expect(throws: RPCError.self) {
      _ = try await orchestrator.validatePlan(BatonV1.ValidatePlanRequest(plan: tooLarge))
    }
    let asked = await #expect(throws: RPCError.self) {
      _ = try await orchestrator.getPlan(
        BatonV1.GetPlanRequest(planId: String(repeating: "x", count: 5 << 20)))
    }
    for error in [submitted, validated, asked] {
      #expect(error?.code == .resourceExhausted && error?.reason == "MESSAGE_TOO_LARGE")
    }
    await stage.close()
  }

  @Test("a header list over 16 KiB is refused, and the connection goes on")
  func headers() async throws {
    let stage = try await Stage(store: "memory")
    var options = CallOptions()
    options.metadata.add("x-large", String(repeating: "x", count: 17 << 10))
    let refused = await #expect(throws: RPCError.self) {
      _ = try await stage.orchestrator.getServerInfo(
        BatonV1.GetServerInfoRequest(), options: options)
    }
    #expect(refused?.code == .resourceExhausted && refused?.reason == "HEADERS_TOO_LARGE")
    let info = try await stage.orchestrator.getServerInfo(BatonV1.GetServerInfoRequest())
    #expect(info.limits["max_header_list_bytes"] == 16_384)
    await stage.close()
  }

  @Test("one connection has at most http2.concurrent_streams calls")
  func streams() async throws {
    let stage = try await Stage(
      ["--http2-concurrent-streams", "1", "--routes", "{default: [mock]}"], store: "memory")
    let planID = try await stage.submit(Plan.reading(#"{"tasks":[{"id":"a","type":"prompt"}]}"#))
    let ask: @Sendable () async throws -> Void = { [orchestrator = stage.orchestrator] in
      _ = try await orchestrator.getServerInfo(
        BatonV1.GetServerInfoRequest(), options: CallOptions(timeout: .milliseconds(300)))
    }
    // The plan waits for an adapter, so its stream of events stays open.
    try await stage.follow(planID) { event in
      if event.kind == "plan_started" {
        let late = await #expect(throws: RPCError.self) { try await ask() }
        #expect(late?.code == .deadlineExceeded)
      }
      return event.kind != "plan_started"
    }
    try await eventually("the place is free again") { (try? await ask()) != nil }
    await stage.close()
  }

  @Test("GetServerInfo reports every limit as it is set")
  func reported() async throws {
    let stage = try await Stage(
      [
        "--limits-in-flight", "7", "--limits-per-plan", "5", "--limits-connections", "9",
        "--limits-request-bytes", "100000", "--http2-concurrent-streams", "11",
        "--http2-header-list-bytes", "20000", "--http2-headers-timeout", "3s",
        "--http2-body-timeout", "4s", "--http2-write-timeout", "5s",
      ], store: "memory")
    let limits = try await stage.orchestrator.getServerInfo(BatonV1.GetServerInfoRequest()).limits
    #expect(
      limits == [
        "max_tasks": 20_000, "max_edges": 200_000, "max_id_bytes": 255, "max_labels": 100,
        "max_metadata_bytes": 65_536, "max_task_metadata_bytes": 1_048_576,
        "max_dependency_bytes": 1_048_576, "max_payload_bytes": 2_097_152,
        "max_output_bytes": 1_048_576, "max_plan_output_bytes": 67_108_864, "max_attempts": 100,
        "max_duration_ms": 315_576_000_000, "max_priority": 1_000, "max_json_depth": 64,
        "max_page_items": 500, "max_page_bytes": 1_048_576, "max_in_flight_tasks": 7,
        "max_parallel_tasks_per_plan": 5, "max_submit_bytes": 16_777_216,
        "max_request_bytes": 4_194_304, "max_unfinished_request_bytes": 100_000,
        "max_connections": 9, "max_concurrent_streams": 11, "max_header_list_bytes": 20_000,
        "headers_timeout_ms": 3_000, "body_timeout_ms": 4_000, "write_timeout_ms": 5_000,
      ])
    await stage.close()
  }

  @Test("health over HTTP keeps no more than 100 connections, and answers those")
  func http() async throws {
    let stage = try await Stage(store: "memory")
    let address = stage.server.field("http")
    let silent = try (0..<150).map { _ in try Self.connect(address) }
    // Those beyond the hundredth are closed: reading ends at once.
    try await eventually("50 of them are cut off") {
      silent.filter { Self.isClosed($0) }.count >= 50
    }
    #expect(silent.filter { Self.isClosed($0) }.count == 50)
    for descriptor in silent { close(descriptor) }
    try await eventually("there is room again") {
      try Self.get("/readyz", address).hasPrefix("HTTP/1.1 200 ")
    }
    await stage.close()
  }

  private static func connect(_ address: String) throws -> Int32 {
    let port = try #require(UInt16(address.split(separator: ":").last ?? ""))
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var target = sockaddr_in()
    target.sin_family = sa_family_t(AF_INET)
    target.sin_port = port.bigEndian
    target.sin_addr.s_addr = inet_addr("127.0.0.1")
    let result = withUnsafePointer(to: &target) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    try #require(result == 0)
    return descriptor
  }

  private static func get(_ path: String, _ address: String) throws -> String {
    let descriptor = try connect(address)
    defer { close(descriptor) }
    let request = "GET \(path) HTTP/1.1\r\nhost: \(address)\r\n\r\n"
    _ = send(descriptor, request, request.utf8.count, Int32(MSG_NOSIGNAL))
    var bytes = [UInt8](repeating: 0, count: 4_096)
    let count = recv(descriptor, &bytes, bytes.count, 0)
    return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
  }

  /// Whether the other side has closed: a read would answer the end without waiting.
  private static func isClosed(_ descriptor: Int32) -> Bool {
    var byte: UInt8 = 0
    let count = recv(descriptor, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT))
    return count == 0 || (count < 0 && errno != EAGAIN)
  }
}
