import Messages
import Testing

@testable import GRPC

/// Handlers that outlive their calls, and calls whose handlers work elsewhere. Whoever waits must
/// hear of the end, in whatever order things happen.
@Suite(.timeLimit(.minutes(1))) struct HandlerTests {
  private struct Elsewhere: GRPCService {
    let record: Probe.Record

    static func method(_ name: String) -> MethodDescriptor {
      MethodDescriptor(service: "baton.test.Elsewhere", method: name)
    }

    var methods: [MethodHandler] {
      [
        .bidirectionalStreaming(Self.method("Cancelled"), cancelled),
        .serverStreaming(Self.method("Ended")) {
          (request: Text, responses: ResponseWriter<Text>, context) in
          // The headers cannot be sent: with them the call ends, before its handler has waited.
          context.initialMetadata = ["x": "ü"]
          try? await responses.write(request)
          do {
            try await Task.sleep(for: .seconds(3600))
          } catch {
            record.note("cancelled")
            throw error
          }
        },
      ]
    }

    /// Reads and writes in tasks of other threads that are cancelled already.
    private func cancelled(
      _ requests: RequestStream<Text>, _ responses: ResponseWriter<Text>, _ context: ServerContext
    ) async throws {
      for _ in 0..<200 {
        let reading = Task.detached {
          while !Task.isCancelled { await Task.yield() }
          for try await _ in requests {}
        }
        reading.cancel()
        guard case .failure(is CancellationError) = await reading.result else {
          throw Probe.Unexpected()
        }
      }
      let text = Text(String(repeating: "x", count: 100_000))
      for _ in 0..<200 {
        let writing = Task.detached {
          while !Task.isCancelled { await Task.yield() }
          try await responses.write(text)
        }
        writing.cancel()
        guard case .failure(is CancellationError) = await writing.result else {
          throw Probe.Unexpected()
        }
      }
    }
  }

  @Test func aWaiterThatIsCancelledBeforeItWaits() async {
    let waiter = Waiter<Int>()
    waiter.cancel()
    await #expect(throws: CancellationError.self) {
      _ = try await withCheckedThrowingContinuation { continuation in
        #expect(!waiter.begin(continuation))
      }
    }
  }

  @Test func cancelledTasksOfOtherThreadsDoNotWait() async throws {
    try await withProbe(services: [Elsewhere(record: Probe.Record())]) { channel, _, _ in
      let call: BidirectionalCall<Text, Text> = try await channel.bidirectionalStreaming(
        Elsewhere.method("Cancelled"))
      for try await _ in call.responses {}
    }
  }

  @Test func aHandlerWhoseCallHasEndedIsCancelled() async throws {
    let record = Probe.Record()
    try await withProbe(services: [Elsewhere(record: record)]) { channel, _, _ in
      let responses: ResponseStream<Text> = try await channel.serverStreaming(
        Elsewhere.method("Ended"), Text("x"))
      let error = await #expect(throws: RPCError.self) { for try await _ in responses {} }
      #expect(error?.code == .internalError)
      await record.wait(for: "cancelled")
    }
  }
}
