import GRPC
import Messages
import NIOConcurrencyHelpers
import Testing

/// Handlers of calls that arrive together run one after the other in one task, with objects that
/// are used again: none of that may show.
@Suite struct HandlerTurnTests {
  private static let count = 30

  /// Keeps what it gets to see, beyond its calls.
  private struct Keeper: GRPCService {
    static let keep = MethodDescriptor(service: "baton.test.Keeper", method: "Keep")
    static let leave = MethodDescriptor(service: "baton.test.Keeper", method: "Leave")

    let contexts = NIOLockedValueBox([String: ServerContext]())
    /// Tasks left behind that saw the deadline of another call, or none.
    let strays = NIOLockedValueBox(0)
    let record: Probe.Record

    var methods: [MethodHandler] {
      [
        .unary(Self.keep) { (request: Text, context) in
          contexts.withLockedValue { $0[request.service] = context }
          return request
        },
        .unary(Self.leave) { (request: Text, context) in
          let deadline = context.deadline
          Task {
            await record.wait(for: "all answered")
            let seen = CallScope.deadline
            strays.withLockedValue { if seen == nil || seen != deadline { $0 += 1 } }
            record.note("left \(request.service)")
          }
          return request
        },
      ]
    }
  }

  /// Calls at a time, each with a text, a header and a deadline of its own.
  private func call(_ method: MethodDescriptor, _ channel: ClientChannel) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for index in 0..<Self.count {
        let metadata: Metadata = ["x-text": "\(index)"]
        let options = CallOptions(metadata: metadata, timeout: .seconds(100 + index))
        group.addTask {
          let answer: Text = try await channel.unary(method, Text("\(index)"), options)
          #expect(answer.service == "\(index)")
        }
      }
      try await group.waitForAll()
    }
  }

  @Test func aTaskLeftBehindKeepsTheDeadlineOfItsCall() async throws {
    let probe = Probe()
    let keeper = Keeper(record: probe.record)
    try await withProbe(probe, services: [keeper]) { channel, _, _ in
      try await call(Keeper.leave, channel)
      probe.record.note("all answered")
      for index in 0..<Self.count { await probe.record.wait(for: "left \(index)") }
      #expect(keeper.strays.withLockedValue { $0 } == 0)
    }
  }

  @Test func aContextThatIsKeptStaysThatOfItsCall() async throws {
    let probe = Probe()
    let keeper = Keeper(record: probe.record)
    try await withProbe(probe, services: [keeper]) { channel, _, _ in
      try await call(Keeper.keep, channel)
      let kept = keeper.contexts.withLockedValue { $0 }
      // More calls, for which the objects of those before could be used.
      for _ in 0..<3 { try await call(Probe.method("Echo"), channel) }
      #expect(kept.count == Self.count)
      for (text, context) in kept {
        #expect(context.metadata.string("x-text") == text)
        #expect(context.method == Keeper.keep)
        let expected = Duration.seconds(100 + (Int(text) ?? 0))
        let remaining = context.deadline?.remaining ?? .zero
        #expect(remaining <= expected && remaining > expected - .seconds(60))
        context.trailingMetadata = ["x-late": text]
        #expect(context.trailingMetadata.string("x-late") == text)
      }
    }
  }
}
