@testable import AdapterKit

/// Plays events against a table and keeps its rows as a journal does. Runs are written KEY#ATTEMPT.
struct Transcript {
  private static let retention = RunTable.Retention(tombstone: 100, lost: 1_000)
  private var table = RunTable(epoch: "e1", runningMax: 2, retention: retention)
  private var rows: [RunReference: Run] = [:]
  private var now: Int64 = 0
  private var starts = 1

  /// The first line whose answer is not the one after "->"; nil where all are.
  static func firstMistake(in text: String) -> String? {
    var transcript = Transcript()
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: "->", maxSplits: 1, omittingEmptySubsequences: false)
      let wanted = parts.count > 1 ? trimmed(parts[1]) : ""
      let answer = transcript.play(parts[0].split(separator: " ").map(String.init))
      if answer != wanted { return "\(trimmed(line)): answered \"\(answer)\"" }
    }
    return nil
  }

  private static func trimmed(_ text: Substring) -> String {
    text.split(separator: " ").joined(separator: " ")
  }

  private mutating func play(_ words: [String]) -> String {
    guard let verb = words.first else { return "" }
    let answer = perform(verb, Array(words.dropFirst()))
    for (reference, run) in table.takeChanges() { rows[reference] = run }
    return answer
  }

  private mutating func perform(_ verb: String, _ words: [String]) -> String {
    let run = words.first.flatMap { Self.reference($0) } ?? RunReference(key: "", attempt: 0)
    let number = words.dropFirst().first.flatMap { Int64($0) } ?? 0
    switch verb {
    case "dispatch": return handOut(run, number, words)
    case "resume": return handOut(run, number, words, resumes: true)
    case "ask":
      table.finish(run, result: Array("Q\(number)".utf8), question: Int32(clamping: number))
    case "terminal": table.reported(run, token: number, .terminal, now: now)
    case "cancel":
      let (verdict, ended) = table.cancel(run, now: now)
      return Self.answer("\(verdict)", ended)
    case "poll":
      guard let found = table.ask(run, token: number) else { return "NOT_FOUND" }
      return found.result.map { String(decoding: $0, as: UTF8.self) } ?? "pending"
    case "finish": table.finish(run, result: Array((words.last ?? "").utf8))
    case "begin": table.begin(run)
    case "handBack": table.lose(run, now: now)
    case "settled": table.reported(run, token: number, .settled, now: now)
    case "refused": table.reported(run, token: number, .refused, now: now)
    case "forget": table.forget(run, now: now)
    case "wait":
      now += words.first.flatMap { Int64($0) } ?? 0
      table.expire(now: now)
    case "restart": restart()
    case "list": return table.listed.map { Self.text($0) }.joined(separator: " ")
    case "due": return table.listed.filter(\.isDue).map { Self.text($0) }.joined(separator: " ")
    case "rows": return "\(rows.count)"
    default: return "no such event"
    }
    return ""
  }

  /// `dispatch RUN TOKEN`, with how many questions are answered behind that.
  private mutating func handOut(
    _ run: RunReference, _ token: Int64, _ words: [String], resumes: Bool = false
  ) -> String {
    let answers = words.dropFirst(2).first.flatMap { Int32($0) } ?? 0
    let handOut = HandOut(run: run, token: token, resumes: resumes, answerCount: answers)
    let wouldStart = table.wouldStart(handOut)
    let (verdict, ended) = table.handOut(handOut)
    guard wouldStart == (verdict == .start || verdict == .noRoom) else { return "wouldStart lied" }
    let handle = verdict == .start || verdict == .same ? " \(table[run]?.handle ?? "")" : ""
    return Self.answer("\(verdict)\(handle)", ended)
  }

  private mutating func restart() {
    starts += 1
    table = RunTable(epoch: "e\(starts)", runningMax: 2, retention: Self.retention)
    table.load(rows.values.sorted { $0.reference < $1.reference }, now: now)
  }

  private static func reference(_ text: String) -> RunReference? {
    let parts = text.split(separator: "#")
    guard parts.count == 2, let attempt = Int32(parts[1]) else { return nil }
    return RunReference(key: String(parts[0]), attempt: attempt)
  }

  private static func text(_ run: Run) -> String {
    "\(run.reference):\(run.token):\(run.isRunning ? "RUNNING" : "FINISHED")"
  }

  private static func answer(_ text: String, _ ended: [RunReference]) -> String {
    ([text] + ended.map { "ends:\($0)" }).joined(separator: " ")
  }
}
