internal import GRPC
internal import Messages
internal import NIOConcurrencyHelpers
internal import Orchestrator
internal import Plan
internal import PlanMapping
internal import Stubs

/// The adapter RPC over gRPC: one channel per instance for hand-outs and cancels, one for polls, so
/// that calls which are held open never delay the others.
final class AdapterConnections: AdapterPort {
  private struct Channels: Sendable {
    var address: String
    var calls: ClientChannel
    var polls: ClientChannel

    func close() {
      calls.close()
      polls.close()
    }
  }

  private let channels = NIOLockedValueBox<[String: Channels]>([:])
  private let makeChannel: @Sendable (String) -> Result<ClientChannel, AddressError>
  /// How long a call other than a poll may take.
  private static let timeout = Duration.seconds(10)

  init(makeChannel: @escaping @Sendable (String) -> Result<ClientChannel, AddressError>) {
    self.makeChannel = makeChannel
  }

  func connect(instance: String, address: String) {
    if channels.withLockedValue({ $0[instance]?.address }) == address { return }
    // The address was checked at registration.
    guard case .success(let calls) = makeChannel(address),
      case .success(let polls) = makeChannel(address)
    else { return }
    let old = channels.withLockedValue { channels in
      defer { channels[instance] = Channels(address: address, calls: calls, polls: polls) }
      return channels[instance]
    }
    old?.close()
  }

  func disconnect(instance: String) {
    channels.withLockedValue { $0.removeValue(forKey: instance) }?.close()
  }

  func close() {
    let all = channels.withLockedValue { channels in
      defer { channels = [:] }
      return channels
    }
    for channels in all.values { channels.close() }
  }

  func dispatch(
    _ handOut: HandOut, to instance: String,
    completion: @escaping @Sendable (HandOutReply) -> Void
  ) {
    guard let channel = channels.withLockedValue({ $0[instance]?.calls }) else {
      completion(.unreachable("instance \(instance) is not connected"))
      return
    }
    let run = handOut.run
    let request = BatonV1.DispatchTaskRequest(handOut)
    let options = CallOptions(timeout: Self.timeout)
    let answered = { @Sendable (result: Result<BatonV1.TaskHandle, RPCError>) in
      completion(Self.reply(result, to: run))
    }
    if let handle = handOut.parkedHandle {
      channel.unary(
        ExecutionAdapterClient.resumeTaskMethod,
        BatonV1.ResumeTaskRequest(task: request, handle: handle), options, completion: answered)
    } else {
      channel.unary(
        ExecutionAdapterClient.dispatchTaskMethod, request, options, completion: answered)
    }
  }

  private static func reply(
    _ result: Result<BatonV1.TaskHandle, RPCError>, to run: RunName
  ) -> HandOutReply {
    switch result {
    case .success(let handle):
      // An answer counts only for the token it was asked under (P6).
      guard handle.token == run.token, handle.attempt == run.attempt else {
        return .unanswered("the adapter answered for another hand-out")
      }
      return .accepted(handle: handle.handle, epoch: handle.epoch, answered: handle.answered)
    case .failure(let error): return reply(error)
    }
  }

  private static func reply(_ error: RPCError) -> HandOutReply {
    if error.neverSent { return .unreachable(error.message) }
    let code = error.reason ?? "\(error.code)".uppercased()
    switch error.code {
    case .resourceExhausted:
      return .busy(retryAfterMilliseconds: error.retryDelay.map { $0.milliseconds })
    case .invalidArgument:
      return .rejected(TaskError(.permanent, code: code, message: error.message))
    case .unimplemented:
      return .rejected(TaskError(.unsupported, code: code, message: error.message))
    case .notFound: return .lost(code: "RUN_LOST", message: error.message)
    case .failedPrecondition: return .lost(code: code, message: error.message)
    default: return .unanswered(error.description)
    }
  }

  func poll(
    _ run: RunName, handle: String, waitMilliseconds: Int64, at instance: String,
    completion: @escaping @Sendable (PollReply) -> Void
  ) {
    guard let channel = channels.withLockedValue({ $0[instance]?.polls }) else {
      completion(.unanswered("instance \(instance) is not connected"))
      return
    }
    let request = BatonV1.GetTaskResultRequest(
      idempotencyKey: run.key.description, attempt: run.attempt, token: run.token,
      handle: handle, waitMs: waitMilliseconds)
    channel.unary(
      ExecutionAdapterClient.getTaskResultMethod, request,
      CallOptions(timeout: .milliseconds(waitMilliseconds) + Self.timeout)
    ) { (result: Result<BatonV1.GetTaskResultResponse, RPCError>) in
      completion(Self.reply(result, to: run))
    }
  }

  private static func reply(
    _ result: Result<BatonV1.GetTaskResultResponse, RPCError>, to run: RunName
  ) -> PollReply {
    switch result {
    case .success(let response):
      guard response.token == run.token, response.attempt == run.attempt else {
        return .unanswered("the adapter answered for another hand-out")
      }
      guard case .result(let message) = response.state else {
        return .pending(hasStarted: response.started)
      }
      return AdapterResult(message).map { .finished($0) }
        ?? .unanswered("the adapter's result has no outcome")
    case .failure(let error):
      return error.code == .notFound && !error.neverSent
        ? .notFound : .unanswered(error.description)
    }
  }

  func takeBack(
    _ run: RunName, reason: String, at instance: String, completion: @escaping @Sendable () -> Void
  ) {
    guard let channel = channels.withLockedValue({ $0[instance]?.calls }) else {
      completion()
      return
    }
    let request = BatonV1.CancelTaskRequest(
      idempotencyKey: run.key.description, attempt: run.attempt, reason: reason, handBack: true)
    channel.unary(
      ExecutionAdapterClient.cancelTaskMethod, request, CallOptions(timeout: Self.timeout)
    ) { (_: Result<BatonV1.CancelTaskResponse, RPCError>) in
      // A run that was not reached goes on, and takes on the token of its next hand-out (P2).
      completion()
    }
  }

  func cancel(_ run: RunName, reason: String, at instance: String) {
    guard let channel = channels.withLockedValue({ $0[instance]?.calls }) else { return }
    let request = BatonV1.CancelTaskRequest(
      idempotencyKey: run.key.description, attempt: run.attempt, reason: reason)
    channel.unary(
      ExecutionAdapterClient.cancelTaskMethod, request, CallOptions(timeout: Self.timeout)
    ) { (_: Result<BatonV1.CancelTaskResponse, RPCError>) in
      // A cancel that did not arrive is repeated by the next heartbeat's reply (P10).
    }
  }
}

extension BatonV1.DispatchTaskRequest {
  init(_ handOut: HandOut) {
    self.init()
    namespace = handOut.namespace
    planId = handOut.run.key.planID.description
    taskId = handOut.run.key.taskID
    index = handOut.run.key.index
    type = handOut.type
    payloadJson = handOut.payload
    attempt = handOut.run.attempt
    delivery = handOut.delivery
    token = handOut.run.token
    idempotencyKey = handOut.run.key.description
    timeoutMs = handOut.timeoutMilliseconds
    feedback = handOut.feedback
    metadata = handOut.metadata
    outputSchemaJson = handOut.outputSchema
    dialog = handOut.dialog.map {
      BatonV1.DialogTurn(promptJson: $0.prompt, valueJson: $0.value ?? [])
    }
  }
}

extension Duration {
  /// Whole milliseconds, rounded down.
  var milliseconds: Int64 {
    components.seconds * 1_000 + components.attoseconds / 1_000_000_000_000_000
  }
}
