internal import Foundation
internal import JSON

/// A line of the journal.
enum RunRecord: Equatable {
  /// A start of the process.
  case epoch(String)
  case row(Run)
  case gone(RunReference)

  /// One JSON object and a line feed.
  func append(to bytes: inout [UInt8]) {
    var writer = JSONWriter()
    writer.beginObject()
    switch self {
    case .epoch(let epoch):
      writer.key("epoch")
      writer.string(epoch)
    case .gone(let reference):
      Self.write(reference, &writer)
      writer.key("state")
      writer.string("gone")
    case .row(let run):
      Self.write(run.reference, &writer)
      Self.write(run, &writer)
    }
    writer.endObject()
    bytes += writer.bytes
    bytes.append(UInt8(ascii: "\n"))
  }

  private static func write(_ reference: RunReference, _ writer: inout JSONWriter) {
    writer.key("key")
    writer.string(reference.key)
    writer.key("attempt")
    writer.integer(Int64(reference.attempt))
  }

  private static func write(_ run: Run, _ writer: inout JSONWriter) {
    writer.key("token")
    writer.integer(run.token)
    writer.key("delivery")
    writer.integer(Int64(run.handOut.delivery))
    for (name, text) in [
      ("plan_id", run.handOut.planID), ("task_id", run.handOut.taskID), ("handle", run.handle),
    ] {
      writer.key(name)
      writer.string(text)
    }
    writer.key("cancelled")
    writer.bool(run.isCancelled)
    if run.question > 0 {
      writer.key("question")
      writer.integer(Int64(run.question))
    }
    writer.key("state")
    switch run.state {
    case .waiting: writer.string("waiting")
    case .running: writer.string("running")
    case .lost: writer.string("lost")
    case .ended: writer.string("ended")
    case .finished(let result, _):
      writer.string("finished")
      writer.key("result")
      writer.string(Data(result).base64EncodedString())
    }
  }

  /// Nil where the line is no record.
  init?(line: some Sequence<UInt8>) {
    guard let json = try? JSONValue(parsing: Array(line)) else { return nil }
    if let epoch = json["epoch"]?.stringValue {
      self = .epoch(epoch)
      return
    }
    guard let key = json["key"]?.stringValue,
      let attempt = json["attempt"]?.integerValue.flatMap({ Int32(exactly: $0) }),
      let state = json["state"]?.stringValue
    else { return nil }
    let reference = RunReference(key: key, attempt: attempt)
    if state == "gone" {
      self = .gone(reference)
    } else if let run = Self.run(reference, state, json) {
      self = .row(run)
    } else {
      return nil
    }
  }

  private static func run(_ reference: RunReference, _ state: String, _ json: JSONValue) -> Run? {
    guard let token = json["token"]?.integerValue,
      let delivery = json["delivery"]?.integerValue.flatMap({ Int32(exactly: $0) }),
      let planID = json["plan_id"]?.stringValue, let taskID = json["task_id"]?.stringValue,
      let handle = json["handle"]?.stringValue, case .bool(let isCancelled)? = json["cancelled"],
      let runState = Self.state(state, json)
    else { return nil }
    let handOut = HandOut(
      run: reference, token: token, delivery: delivery, planID: planID, taskID: taskID)
    let question = json["question"]?.integerValue.flatMap { Int32(exactly: $0) } ?? 0
    return Run(
      handOut: handOut, handle: handle, state: runState, isCancelled: isCancelled,
      question: question)
  }

  /// Times are not stored: whoever loads the rows gives them new ones.
  private static func state(_ name: String, _ json: JSONValue) -> Run.State? {
    switch name {
    case "running": .running(hasStarted: false)
    case "lost": .lost(until: 0)
    case "ended": .ended(until: 0)
    case "waiting": .waiting(until: 0)
    case "finished":
      json["result"]?.stringValue.flatMap { Data(base64Encoded: $0) }
        .map { .finished(result: Array($0), isParked: false) }
    default: nil
    }
  }
}
