internal import Engine
internal import Plan
internal import Store

/// What runs ask and are told: kept with their tasks, and sent with every further hand-out of the
/// attempt.
extension Shard {
  /// Bytes of all questions and answers of one attempt: they travel in one message with the payload.
  private static let dialogBytes = 1 << 20
  /// Questions of one attempt.
  private static let questionsMax = 100

  /// Lets the engine decide on a result.
  func settle(
    _ lease: TaskLease, _ intake: ResultIntake, _ entry: PlanEntry,
    then: ((Result<Decision.Answer, OrchestratorError>) -> Void)?
  ) {
    var intake = intake
    // A run that was taken for lost may still be the current one.
    if intake.summary.outcome == .waitingInput, entry.lease(lease.ordinal) == lease {
      guard let dialog = dialog(of: entry, lease.ordinal) else {
        then?(.failure(.reloading(entry.id)))
        return
      }
      let size = dialog.byteCount + (intake.output?.count ?? 0)
      if size > Self.dialogBytes || dialog.turns.count >= Self.questionsMax {
        intake.refuse(
          TaskError(
            .permanent, code: "DIALOG_TOO_LARGE",
            message: "the attempt has asked \(dialog.turns.count) questions; with this one there "
              + "would be \(size) bytes of questions and answers (at most \(Self.questionsMax) and "
              + "\(Self.dialogBytes) bytes)"))
      }
    }
    apply(.result(lease, intake.summary), to: entry, output: intake.output, then: then)
  }

  /// Why an answer cannot be taken; nil: it can.
  func refusal(
    of intake: CompletionIntake, _ entry: PlanEntry, _ ordinal: Int
  ) -> OrchestratorError? {
    // What does not wait is for the engine to refuse, which lets a plan go that has ended.
    guard let value = intake.output, entry.machine.rows.indices.contains(ordinal),
      entry.machine.rows[ordinal].question > 0,
      entry.machine.status(of: ordinal) == .waitingInput
    else { return nil }
    guard let dialog = dialog(of: entry, ordinal) else { return .reloading(entry.id) }
    let size = dialog.byteCount + value.count
    guard size > Self.dialogBytes else { return nil }
    let id = entry.machine.compiled.plan.tasks[entry.machine.home(ordinal)].id
    return OrchestratorError(
      .answerTooLarge,
      "with this value the questions and answers of task \"\(id)\" of plan \(entry.id) would take "
        + "\(size) bytes; the limit is \(Self.dialogBytes)",
      about: ["plan_id": "\(entry.id)", "task_id": id])
  }

  /// What the current attempt has asked; nil where the store does not answer.
  func dialog(of entry: PlanEntry, _ ordinal: Int) -> TaskDialog? {
    let none = TaskDialog(ordinal: ordinal, turns: [])
    // What an earlier attempt asked stays stored.
    guard entry.machine.rows[ordinal].question > 0 else { return none }
    if let known = entry.dialogs[ordinal] { return known }
    do throws(StoreError) {
      let found = try store.dialogs(entry.id, ordinals: [ordinal]).first ?? none
      entry.dialogs[ordinal] = found
      return found
    } catch {
      report(error, "what task \(ordinal) has asked cannot be read", plan: entry.id)
      return nil
    }
  }

  /// The dialog with one more part of a turn. Whoever applies an event that brings one has asked for
  /// the dialog before.
  func store(
    _ part: Decision.TurnPart, _ json: [UInt8], _ entry: PlanEntry, _ ordinal: Int
  ) -> TaskDialog {
    var dialog = entry.dialogs[ordinal] ?? TaskDialog(ordinal: ordinal, turns: [])
    switch part {
    case .question(let isFirst):
      if isFirst { dialog.turns = [] }
      dialog.turns.append(DialogTurn(prompt: json))
    case .answer: dialog.turns[dialog.turns.count - 1].value = json
    }
    entry.dialogs[ordinal] = dialog
    return dialog
  }
}
