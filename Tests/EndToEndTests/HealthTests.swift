import GRPC
import Messages
import Stubs
import Testing

@Suite("Health", .timeLimit(.minutes(1)))
struct HealthTests {
  @Test("the server tells its own health and that of each service")
  func services() async throws {
    let stage = try await Stage(store: "memory")
    let health = HealthClient(stage.orchestrator.channel)
    for service in ["", "baton.v1.Orchestrator", "baton.v1.AdapterRegistry"] {
      let answer = try await health.check(GrpcHealthV1.HealthCheckRequest(service: service))
      #expect(answer.status == .serving, "\(service)")
    }
    let error = await #expect(throws: RPCError.self) {
      _ = try await health.check(GrpcHealthV1.HealthCheckRequest(service: "baton.v1.Nothing"))
    }
    #expect(error?.reason == "UNKNOWN_SERVICE")
    await stage.close()
  }

  @Test("S11: neither who watches health nor an open reflection stream delays the end")
  func shutdown() async throws {
    let stage = try await Stage(["--shutdown-grace", "50s"], store: "memory")
    let channel = stage.orchestrator.channel
    let watch = try await HealthClient(channel).watch(
      GrpcHealthV1.HealthCheckRequest(service: "baton.v1.Orchestrator"))
    var statuses = watch.makeAsyncIterator()
    #expect(try await statuses.next()?.status == .serving)
    let reflection = try await GrpcReflectionV1ServerReflectionClient(channel)
      .serverReflectionInfo()
    try await reflection.requests.write(
      GrpcReflectionV1.ServerReflectionRequest(host: "", messageRequest: .listServices("")))
    var answers = reflection.responses.makeAsyncIterator()
    #expect(try await answers.next() != nil)
    let start = ContinuousClock.now
    #expect(await stage.stopServer() == 0)
    #expect(ContinuousClock.now - start < .seconds(10))
    #expect(try await statuses.next()?.status == .notServing)
    let error = await #expect(throws: RPCError.self) { _ = try await statuses.next() }
    #expect(error?.reason == "SHUTTING_DOWN")
    channel.close()
  }
}
