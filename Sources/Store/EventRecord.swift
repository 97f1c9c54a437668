internal import JSON
public import Plan

/// The events of one transition as durable stores keep them: a compact JSON array in the order of
/// their `seq`s, which are kept beside it. Fields that are empty or zero are left out.
public enum EventRecord {
  /// JSON text of `events`.
  public static func encode(_ events: [TraceEvent]) -> [UInt8] {
    var writer = JSONWriter()
    writer.beginArray()
    for event in events { write(event, to: &writer) }
    writer.endArray()
    return writer.bytes
  }

  private static func write(_ event: TraceEvent, to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("time", event.time)
    writer.member("kind", event.kind.rawValue)
    writer.member("task", event.taskID)
    if let index = event.index {
      writer.key("index")
      writer.integer(Int64(index))
    }
    writer.member("plan", event.relatedPlanID.map { "\($0)" } ?? "")
    writer.member("items", Int64(event.itemCount))
    writer.member("attempt", Int64(event.attempt))
    writer.member("delivery", Int64(event.delivery))
    writer.member("adapter", event.adapter)
    writer.member("instance", event.instance)
    writer.member("class", event.errorClass?.rawValue ?? "")
    writer.member("code", event.code)
    writer.member("message", event.message)
    writer.member("delay_ms", event.delayMilliseconds)
    writer.endObject()
  }

  /// The events of `json`, the last of which has `lastSeq`.
  public static func decode(
    _ json: [UInt8], lastSeq: Int64
  ) throws(StoreError) -> [TraceEvent] {
    let value: JSONValue
    do throws(JSONError) {
      value = try JSONValue(parsing: json)
    } catch {
      throw StoreError(.corrupt, "stored events are no JSON: \(error)")
    }
    guard case .array(let elements) = value else {
      throw StoreError(.corrupt, "stored events are \(value.kindName), not a list")
    }
    var events: [TraceEvent] = []
    events.reserveCapacity(elements.count)
    for (index, element) in elements.enumerated() {
      events.append(try event(element, seq: lastSeq - Int64(elements.count - 1 - index)))
    }
    return events
  }

  private static func event(_ value: JSONValue, seq: Int64) throws(StoreError) -> TraceEvent {
    guard let kind = EventKind(rawValue: value["kind"]?.stringValue ?? "") else {
      throw StoreError(.corrupt, "a stored event has an unknown kind: \(value.text)")
    }
    var event = TraceEvent(seq: seq, time: value["time"]?.integerValue ?? 0, kind: kind)
    event.taskID = value["task"]?.stringValue ?? ""
    event.index = value["index"]?.integerValue.map { Int32(truncatingIfNeeded: $0) }
    event.relatedPlanID = value["plan"]?.stringValue.flatMap { PlanID($0) }
    event.itemCount = Int32(truncatingIfNeeded: value["items"]?.integerValue ?? 0)
    event.attempt = Int32(truncatingIfNeeded: value["attempt"]?.integerValue ?? 0)
    event.delivery = Int32(truncatingIfNeeded: value["delivery"]?.integerValue ?? 0)
    event.adapter = value["adapter"]?.stringValue ?? ""
    event.instance = value["instance"]?.stringValue ?? ""
    if let name = value["class"]?.stringValue {
      guard let errorClass = ErrorClass(rawValue: name) else {
        throw StoreError(.corrupt, "a stored event has an unknown class: \(value.text)")
      }
      event.errorClass = errorClass
    }
    event.code = value["code"]?.stringValue ?? ""
    event.message = value["message"]?.stringValue ?? ""
    event.delayMilliseconds = value["delay_ms"]?.integerValue ?? 0
    return event
  }
}

extension JSONWriter {
  fileprivate mutating func member(_ name: String, _ text: String) {
    guard !text.isEmpty else { return }
    key(name)
    string(text)
  }

  fileprivate mutating func member(_ name: String, _ number: Int64) {
    guard number != 0 else { return }
    key(name)
    integer(number)
  }
}
