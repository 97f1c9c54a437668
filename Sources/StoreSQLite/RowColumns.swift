internal import Plan
internal import Store

// How records lie in columns. Each list of names stands beside the code that binds and reads the
// same columns in the same order.

enum PlanColumns {
  /// What a transition may change, without `status`: see `PlanWriter.update`.
  static let mutable =
    [
      "revision", "last_seq", "created_at", "started_at", "resumed_at", "finished_at",
      "deadline_at",
    ] + ErrorColumns.names + UsageColumns.names + [
      "output_bytes", "attempts", "budget_warnings", "pause_code", "pause_message", "paused_at",
    ]

  static let identity =
    [
      "id", "namespace", "name", "owner", "labels", "priority", "budget", "task_count",
      "request_key", "request_digest",
    ] + parent

  /// Of a sub-plan; all NULL for others.
  static let parent = ["parent", "parent_task", "parent_index", "parent_attempt"]
}

enum TaskColumns {
  static let key = ["plan", "ordinal"]
  static let names =
    [
      "status", "attempt", "delivery", "token", "token_closed", "has_begun", "question", "resumes",
      "attempts_before", "adapter", "instance", "handle", "handle_epoch", "handle_answered",
      "started_at", "dispatched_at", "finished_at", "timer_due_at", "timer_delay_ms",
    ] + ErrorColumns.names + UsageColumns.names + [
      "reported", "output_bytes", "item_count", "first_item", "accepted",
    ]
}

enum ErrorColumns {
  static let names = [
    "error_class", "error_code", "error_message", "error_diagnostics", "error_retry_after_ms",
  ]
}

enum UsageColumns {
  static let names = ["input_tokens", "output_tokens", "calls", "model"]
}

/// SQL made from lists of names.
enum SQL {
  static func list(_ names: [String]) -> String { names.joined(separator: ", ") }

  static func marks(_ names: [String]) -> String { list(names.map { _ in "?" }) }

  static func insert(_ table: String, _ names: [String]) -> String {
    "INSERT INTO \(table) (\(list(names))) VALUES (\(marks(names)))"
  }

  static func upsert(_ table: String, key: [String], _ names: [String]) -> String {
    insert(table, key + names) + " ON CONFLICT (\(list(key))) DO UPDATE SET "
      + list(names.map { "\($0) = excluded.\($0)" })
  }
}

extension SQLiteStatement {
  func bind(_ id: PlanID) {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(16)
    withUnsafeBytes(of: id.high.bigEndian) { bytes.append(contentsOf: $0) }
    withUnsafeBytes(of: id.low.bigEndian) { bytes.append(contentsOf: $0) }
    bind(blob: bytes)
  }

  func planID() throws(StoreError) -> PlanID {
    try Self.planID(bytes())
  }

  private static func planID(_ bytes: [UInt8]) throws(StoreError) -> PlanID {
    guard bytes.count == 16 else { throw StoreError(.corrupt, "a plan id has no 16 bytes") }
    return PlanID(
      high: bytes[..<8].reduce(0) { $0 << 8 | UInt64($1) },
      low: bytes[8...].reduce(0) { $0 << 8 | UInt64($1) })
  }

  /// `PlanColumns.parent`.
  func bind(_ parent: ParentTask?) {
    guard let parent else {
      for _ in PlanColumns.parent { bind(String?.none) }
      return
    }
    bind(parent.planID)
    bind(parent.key.taskID)
    bind(parent.key.index)
    bind(parent.attempt)
  }

  /// `PlanColumns.parent`.
  func parentTask() throws(StoreError) -> ParentTask? {
    let id = bytes()
    let (task, index, attempt) = (text(), int32(), int32())
    guard !id.isEmpty else { return nil }
    return ParentTask(
      key: IdempotencyKey(planID: try Self.planID(id), taskID: task, index: index),
      attempt: attempt)
  }

  func digest() throws(StoreError) -> Digest {
    guard let digest = Digest(bytes()) else {
      throw StoreError(.corrupt, "a digest has no 32 bytes")
    }
    return digest
  }

  /// A text that is one of the names of `Value`.
  func name<Value: RawRepresentable<String>>(_: Value.Type) throws(StoreError) -> Value {
    let text = text()
    guard let value = Value(rawValue: text) else {
      throw StoreError(.corrupt, "\"\(text)\" is no \(Value.self)")
    }
    return value
  }

  /// `PlanColumns.mutable`.
  func bind(_ row: PlanRow) {
    bind(row.revision)
    bind(row.lastSeq)
    bind(row.createdAt)
    bind(row.startedAt)
    bind(row.resumedAt)
    bind(row.finishedAt)
    bind(row.deadlineAt)
    bind(row.error)
    bind(row.usage)
    bind(row.outputBytes)
    bind(row.attempts)
    bind(row.budgetWarnings.rawValue)
    bind(row.pause?.code.rawValue)
    bind(row.pause?.message)
    bind(row.pause?.since)
  }

  /// `status`, then `PlanColumns.mutable`.
  func planRow() throws(StoreError) -> PlanRow {
    var row = PlanRow()
    row.status = try name(PlanStatus.self)
    row.revision = integer()
    row.lastSeq = integer()
    row.createdAt = integer()
    row.startedAt = optionalInteger()
    row.resumedAt = optionalInteger()
    row.finishedAt = optionalInteger()
    row.deadlineAt = optionalInteger()
    row.error = try taskError()
    row.usage = usage()
    row.outputBytes = integer()
    row.attempts = integer()
    row.budgetWarnings = BudgetWarnings(rawValue: integer())
    row.pause = try pause()
    return row
  }

  /// `TaskColumns.names`.
  func bind(_ row: TaskRow) {
    bind(row.status.rawValue)
    bind(row.attempt)
    bind(row.delivery)
    bind(row.token)
    bind(row.tokenClosed)
    bind(row.hasBegun)
    bind(row.question)
    bind(row.resumes)
    bind(row.attemptsBefore)
    bind(row.adapter)
    bind(row.instance)
    bind(row.handle)
    bind(row.handleEpoch)
    bind(row.handleAnswered)
    bind(row.startedAt)
    bind(row.dispatchedAt)
    bind(row.finishedAt)
    bind(row.timerDueAt)
    bind(row.timerDelayMilliseconds)
    bind(row.error)
    bind(row.usage)
    if row.reported == Usage() {
      bind(Int64?.none)
    } else {
      bind(text: UsageRecord.encode(row.reported))
    }
    bind(row.outputBytes)
    bind(row.itemCount.map { Int64($0) })
    bind(row.firstItem.map { Int64($0) })
    bind(blob: AcceptedRecord.encode(row.accepted))
  }

  /// `ordinal`, then `TaskColumns.names`.
  func taskRow() throws(StoreError) -> TaskRow {
    var row = TaskRow(ordinal: Int(integer()))
    row.status = try name(TaskStatus.self)
    row.attempt = int32()
    row.delivery = int32()
    row.token = integer()
    row.tokenClosed = integer() != 0
    row.hasBegun = integer() != 0
    row.question = int32()
    row.resumes = integer() != 0
    row.attemptsBefore = int32()
    row.adapter = text()
    row.instance = text()
    row.handle = text()
    row.handleEpoch = text()
    row.handleAnswered = integer()
    row.startedAt = optionalInteger()
    row.dispatchedAt = optionalInteger()
    row.finishedAt = optionalInteger()
    row.timerDueAt = optionalInteger()
    row.timerDelayMilliseconds = integer()
    row.error = try taskError()
    row.usage = usage()
    row.reported = try UsageRecord.decode(bytes())
    row.outputBytes = integer()
    row.itemCount = optionalInteger().map { Int32(truncatingIfNeeded: $0) }
    row.firstItem = optionalInteger().map { Int($0) }
    row.accepted = try AcceptedRecord.decode(bytes())
    return row
  }

  /// `ErrorColumns`; NULL where there is none.
  private func bind(_ error: TaskError?) {
    bind(error?.errorClass.rawValue)
    bind(error?.code)
    bind(error?.message)
    bind(error?.diagnostics)
    bind(error?.retryAfterMilliseconds)
  }

  private func taskError() throws(StoreError) -> TaskError? {
    let className = optionalText()
    let (code, message, diagnostics, pause) = (text(), text(), text(), integer())
    guard let className else { return nil }
    guard let errorClass = ErrorClass(rawValue: className) else {
      throw StoreError(.corrupt, "\"\(className)\" is no ErrorClass")
    }
    return TaskError(
      errorClass, code: code, message: message, diagnostics: diagnostics,
      retryAfterMilliseconds: pause)
  }

  private func pause() throws(StoreError) -> PlanPause? {
    let name = optionalText()
    let (message, since) = (text(), integer())
    guard let name else { return nil }
    guard let code = PlanPause.Code(rawValue: name) else {
      throw StoreError(.corrupt, "\"\(name)\" is no reason for a pause")
    }
    return PlanPause(code, message: message, since: since)
  }

  /// `UsageColumns`.
  private func bind(_ usage: Usage) {
    bind(usage.inputTokens)
    bind(usage.outputTokens)
    bind(usage.calls)
    bind(usage.model)
  }

  private func usage() -> Usage {
    var usage = Usage()
    usage.inputTokens = integer()
    usage.outputTokens = integer()
    usage.calls = integer()
    usage.model = text()
    return usage
  }
}
