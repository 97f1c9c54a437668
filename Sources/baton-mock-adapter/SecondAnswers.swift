internal import AdapterKit
internal import GRPC
internal import JSON
internal import Messages
internal import NIOConcurrencyHelpers

/// Reports results a second time where the script says so: the same one (`mock.answer_twice`) or
/// another one (`mock.conflict`).
final class SecondAnswers: Sendable {
  private static let method = MethodDescriptor(
    service: "baton.v1.AdapterRegistry", method: "ReportTaskResult")
  private let channel: ClientChannel
  /// Told of each second report's answer.
  private let observer: RunObserver
  /// Scripts of the runs that have started and not answered twice yet.
  private let scripts = NIOLockedValueBox<[Run: MockScript]>([:])

  private struct Run: Hashable {
    var key: String
    var attempt: Int32
  }

  /// - Parameter channel: to the orchestrator.
  init(channel: ClientChannel, observer: @escaping RunObserver) {
    self.channel = channel
    self.observer = observer
  }

  /// Remembers the script of a run that begins.
  func expect(_ request: TaskRequest, _ script: MockScript) {
    guard script.answersTwice || script.conflicts else { return }
    scripts.withLockedValue {
      $0[Run(key: request.idempotencyKey, attempt: request.attempt)] = script
    }
  }

  func follow(_ event: RunEvent) {
    guard event.kind == .reported, let result = event.result else { return }
    let run = Run(key: event.idempotencyKey, attempt: event.attempt)
    guard let script = scripts.withLockedValue({ $0.removeValue(forKey: run) }) else { return }
    // Detached: whoever reported first has a deadline that is not this report's.
    Task.detached { [self] in
      if script.answersTwice { await report(event, result) }
      if script.conflicts { await report(event, Self.other(result)) }
    }
  }

  private static func other(_ result: BatonV1.TaskResult) -> BatonV1.TaskResult {
    let output = JSONValue.object([
      JSONMember("text", .string("another answer")), JSONMember("json", .null),
    ])
    return BatonV1.TaskResult(
      taskId: result.taskId, outcome: .succeeded, outputJson: output.bytes)
  }

  private func report(_ event: RunEvent, _ result: BatonV1.TaskResult) async {
    var answer = event
    answer.result = result
    do {
      let request = BatonV1.ReportTaskResultRequest(
        idempotencyKey: event.idempotencyKey, attempt: event.attempt, token: event.token,
        result: result)
      let reply: BatonV1.ReportTaskResultResponse = try await channel.unary(
        Self.method, request, CallOptions(timeout: .seconds(10), waitForReady: true))
      answer.code = reply.alreadyRecorded ? "ALREADY_RECORDED" : "OK"
    } catch let error as RPCError {
      answer.code = error.reason ?? "\(error.code)"
    } catch {
      answer.code = "\(error)"
    }
    observer(answer)
  }
}
