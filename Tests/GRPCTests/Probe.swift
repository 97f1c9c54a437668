import GRPC
import InMemoryTracing
import Messages
import NIOConcurrencyHelpers
import Tracing

typealias Text = GrpcHealthV1.HealthCheckRequest

extension Text {
  init(_ text: String) {
    self.init()
    service = text
  }
}

/// A service for the tests, over a message that carries one text.
struct Probe: GRPCService {
  static func method(_ name: String) -> MethodDescriptor {
    MethodDescriptor(service: "baton.test.Probe", method: name)
  }

  let record = Record()
  /// For `Relay`: where it passes the call on to.
  var onward: ClientChannel?

  /// What happened in handlers, waited for by name.
  final class Record: Sendable {
    private let state = NIOLockedValueBox(State())

    private struct State {
      var counts: [String: Int] = [:]
      var waiting: [Int: Waiting] = [:]
      var nextID = 0
    }

    private struct Waiting {
      let name: String
      let continuation: CheckedContinuation<Void, Never>
    }

    func note(_ name: String) {
      let ready = state.withLockedValue { state in
        state.counts[name, default: 0] += 1
        let ready = state.waiting.filter { $0.value.name == name }
        for id in ready.keys { state.waiting[id] = nil }
        return ready.values
      }
      for waiting in ready { waiting.continuation.resume() }
    }

    func count(_ name: String) -> Int {
      state.withLockedValue { $0.counts[name, default: 0] }
    }

    /// Returns once `name` has been noted, or the task is cancelled: the test's time is over.
    func wait(for name: String) async {
      let id = state.withLockedValue { state in
        state.nextID += 1
        return state.nextID
      }
      await withTaskCancellationHandler {
        await withCheckedContinuation { continuation in
          let isOver = state.withLockedValue { state in
            if Task.isCancelled || state.counts[name] != nil { return true }
            state.waiting[id] = Waiting(name: name, continuation: continuation)
            return false
          }
          if isOver { continuation.resume() }
        }
      } onCancel: {
        let waiting = state.withLockedValue { $0.waiting.removeValue(forKey: id) }
        waiting?.continuation.resume()
      }
    }
  }

  struct Unexpected: Error {}

  var methods: [MethodHandler] {
    [
      .unary(Self.method("Echo")) { (request: Text, _) in request },
      .unary(Self.method("Hop")) { (request: Text, _) in
        await Task.yield()
        return request
      },
      .unary(Self.method("Fail")) { (request: Text, _) -> Text in
        throw RPCError(
          code: .failedPrecondition, reason: "STALE_LEASE", message: "too old: 100 % ünlucky",
          metadata: ["task_id": request.service], retryDelay: .milliseconds(1500))
      },
      .unary(Self.method("Crash")) { (_: Text, _) -> Text in throw Unexpected() },
      .unary(Self.method("Metadata"), metadata),
      .unary(Self.method("Wait")) { (_: Text, _) -> Text in try await wait() },
      .unary(Self.method("Hold")) { (request: Text, _) in
        record.note("held")
        // Whatever becomes of the call: a task of its own is not cancelled with it.
        await Task { await record.wait(for: "release") }.value
        return request
      },
      .unary(Self.method("Remaining")) { (_: Text, context) in
        let remaining = context.deadline.map { $0.remaining / .milliseconds(1) }
        return Text(remaining.map { "\(Int($0.rounded()))" } ?? "none")
      },
      .unary(Self.method("Relay")) { (request: Text, _) -> Text in
        guard let onward else { throw Unexpected() }
        return try await onward.unary(Self.method(request.service), request)
      },
      .serverStreaming(Self.method("Count")) {
        (request: Text, responses: ResponseWriter<Text>, _) in
        for index in 0..<(Int(request.service) ?? 0) {
          try await responses.write(Text("\(index)"))
        }
      },
      .serverStreaming(Self.method("CountAndFail")) {
        (request: Text, responses: ResponseWriter<Text>, context) in
        for index in 0..<(Int(request.service) ?? 0) {
          try await responses.write(Text("\(index)"))
        }
        context.trailingMetadata = ["x-trailing": "t"]
        throw RPCError(code: .dataLoss, message: "no more")
      },
      .serverStreaming(Self.method("Flood"), flood),
    ] + requestStreams + compressing
  }

  private var compressing: [MethodHandler] {
    [
      .unary(Self.method("EchoCompressed")) { (request: Text, context) in
        context.compressesResponses = true
        return request
      },
      .unary(Self.method("IsCompressed")) { (_: Text, context) in
        Text("\(context.isRequestCompressed)")
      },
      .unary(Self.method("TraceID")) { (_: Text, _) in Text(Self.traceID) },
      .serverStreaming(Self.method("TraceIDs")) {
        (_: Text, responses: ResponseWriter<Text>, _) in
        try await responses.write(Text(Self.traceID))
        await Task.yield()
        try await responses.write(Text(Self.traceID))
      },
      .bidirectionalStreaming(Self.method("ChatCompressed")) {
        (requests: RequestStream<Text>, responses: ResponseWriter<Text>, context) in
        // Says of each request whether it came compressed, and answers likewise.
        context.compressesResponses = true
        for try await _ in requests {
          let isCompressed = context.isRequestCompressed
          try await responses.write(Text("\(isCompressed)"), compressed: isCompressed)
        }
      },
    ]
  }

  private var requestStreams: [MethodHandler] {
    [
      .clientStreaming(Self.method("Join")) { (requests: RequestStream<Text>, _) in
        var texts: [String] = []
        for try await request in requests { texts.append(request.service) }
        return Text(texts.joined(separator: " "))
      },
      .clientStreaming(Self.method("First")) { (requests: RequestStream<Text>, _) in
        for try await request in requests { return request }
        return Text("none")
      },
      .clientStreaming(Self.method("Ignore")) { (requests: RequestStream<Text>, _) in
        record.note("ignoring")
        await record.wait(for: "read on")
        var count = 0
        for try await _ in requests { count += 1 }
        return Text("\(count)")
      },
      .clientStreaming(Self.method("JoinElsewhere")) { (requests: RequestStream<Text>, _) in
        // Reads from a thread that is not the connection's.
        try await Task.detached {
          var texts: [String] = []
          for try await request in requests { texts.append(request.service) }
          return Text(texts.joined(separator: " "))
        }.value
      },
      .bidirectionalStreaming(Self.method("Chat")) {
        (requests: RequestStream<Text>, responses: ResponseWriter<Text>, _) in
        responses.sendHeaders()
        do {
          for try await request in requests { try await responses.write(request) }
        } catch {
          record.note("chat ended: \((error as? RPCError)?.code.description ?? "\(error)")")
          throw error
        }
        record.note("chat read to its end")
        try await responses.write(Text("bye"))
      },
      .bidirectionalStreaming(Self.method("TimedChat")) {
        (requests: RequestStream<Text>, responses: ResponseWriter<Text>, _) in
        // A part of the handler that reads is given up while the call goes on.
        try await withThrowingTaskGroup(of: Void.self) { group in
          group.addTask { for try await _ in requests {} }
          record.note("reading")
          await record.wait(for: "enough")
          group.cancelAll()
          do {
            try await group.waitForAll()
          } catch is CancellationError {
            try await responses.write(Text("gave up"))
          }
        }
        for try await request in requests { try await responses.write(request) }
      },
    ]
  }

  /// Of the span that is current.
  private static var traceID: String {
    ServiceContext.current?.inMemorySpanContext?.traceID ?? "none"
  }

  private func metadata(_ request: Text, _ context: ServerContext) -> Text {
    context.initialMetadata = ["x-initial": "i"]
    var trailing: Metadata = ["x-trailing": "t"]
    trailing.add("x-trailing-bin", binary: context.metadata.binary("x-bytes-bin") ?? [])
    context.trailingMetadata = trailing
    let texts = context.metadata["x-text"].map { "\($0)" }.joined(separator: " ")
    return Text(texts + " from " + (context.peer.isEmpty ? "nowhere" : "somewhere"))
  }

  private func wait() async throws -> Text {
    record.note("waiting")
    do {
      try await Task.sleep(for: .seconds(3600))
    } catch {
      record.note("cancelled")
      throw error
    }
    return Text()
  }

  private func flood(
    _ request: Text, _ responses: ResponseWriter<Text>, _ context: ServerContext
  ) async throws {
    let text = Text(String(repeating: "x", count: 1000))
    do {
      while true {
        try await responses.write(text)
        record.note("written")
      }
    } catch {
      record.note("flood ended")
      throw error
    }
  }
}

/// A server with the probe on a loopback port, and a channel to it; both are closed after `body`.
func withProbe(
  _ probe: Probe = Probe(), services: [any GRPCService] = [],
  server configuration: ServerConfiguration = ServerConfiguration(),
  channel channelConfiguration: ChannelConfiguration = ChannelConfiguration(),
  _ body: (ClientChannel, Probe, Address) async throws -> Void
) async throws {
  let server = GRPCServer(services: [probe] + services, configuration: configuration)
  let address = try await server.start(on: .tcp(host: "127.0.0.1", port: 0))
  let channel = ClientChannel(address: address, configuration: channelConfiguration)
  let outcome: Result<Void, any Error>
  do {
    try await body(channel, probe, address)
    outcome = .success(())
  } catch {
    outcome = .failure(error)
  }
  channel.close()
  try await server.shutdown(grace: .zero)
  try outcome.get()
}

extension ClientChannel {
  func text(
    _ method: String, _ text: String = "", _ options: CallOptions = CallOptions()
  ) async throws -> String {
    let response: Text = try await unary(Probe.method(method), Text(text), options)
    return response.service
  }

  /// The error of a call that must fail.
  func failure(
    _ method: String, _ text: String = "", _ options: CallOptions = CallOptions()
  ) async -> RPCError? {
    do {
      _ = try await self.text(method, text, options)
      return nil
    } catch {
      return error as? RPCError
    }
  }
}
