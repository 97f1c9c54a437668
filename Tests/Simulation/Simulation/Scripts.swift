import Engine
import Plan

@testable import Orchestrator

/// What was submitted under which id, and what adapters really gave.
final class Scripts {
  private var blueprints: [PlanID: Blueprint] = [:]
  private var givings: [PlanID: [Int: [Giving]]] = [:]
  private var runCount = 0
  let limits: PlanLimits

  /// A result that somebody gave under a token.
  struct Giving {
    /// Nil: of whichever attempt there is.
    var attempt: Int32?
    var token: Int64?
    var digest: Digest
    var output: [UInt8]
    var usage: Usage

    func fits(_ accepted: AcceptedResult) -> Bool {
      digest == accepted.digest && attempt ?? accepted.attempt == accepted.attempt
        && token ?? accepted.token == accepted.token
    }
  }

  init(limits: PlanLimits) { self.limits = limits }

  func add(_ blueprint: Blueprint, as id: PlanID) { blueprints[id] = blueprint }

  func blueprint(_ id: PlanID) -> Blueprint? { blueprints[id] }

  /// What was given for a task so far.
  func given(_ id: PlanID, _ ordinal: Int) -> [Giving] { givings[id]?[ordinal] ?? [] }

  func give(_ result: GivenResult, _ run: RunName, _ ordinal: Int) {
    give(
      Giving(
        attempt: run.attempt, token: run.token, digest: result.digest, output: result.output,
        usage: result.usage), run.key.planID, ordinal)
  }

  func give(_ giving: Giving, _ id: PlanID, _ ordinal: Int) {
    let isKnown = given(id, ordinal).contains {
      $0.attempt == giving.attempt && $0.token == giving.token && $0.digest == giving.digest
        && $0.usage == giving.usage
    }
    if !isKnown { givings[id, default: [:]][ordinal, default: []].append(giving) }
  }

  /// The number of a run, of all adapters: no two runs give the same output.
  func nextRun() -> Int {
    runCount += 1
    return runCount
  }

  /// A payload as the outputs that were committed make it.
  func payload(_ plan: LedgerPlan, _ ordinal: Int) -> [UInt8] {
    let from = plan.blueprint.compiled.graph.dependencies[ordinal].map { dependency -> String in
      guard let output = plan.outputs[dependency] else { return "null" }
      return "\"\(GivenResult.text(of: output))\""
    }
    return Array("{\"n\":\(ordinal),\"from\":[\(from.joined(separator: ","))]}".utf8)
  }

  func tearDown() {
    blueprints = [:]
    givings = [:]
  }
}

/// A result with what the orchestrator makes of it.
final class GivenResult {
  let result: AdapterResult
  let intake: ResultIntake

  init(_ result: AdapterResult, limits: PlanLimits) {
    self.result = result
    intake = ResultIntake(result, limits: limits)
  }

  var digest: Digest { intake.summary.digest }
  var output: [UInt8] { result.output }
  var usage: Usage { result.usage }

  private static let opening = Array(#"{"text":""#.utf8)

  /// The output of a run that went well.
  static func output(text: String, run: Int) -> [UInt8] {
    opening + Array("\(text)\",\"run\":\(run)}".utf8)
  }

  static func hasText(_ output: [UInt8]) -> Bool { output.starts(with: opening) }

  static func text(of output: [UInt8]) -> String {
    let rest = output.dropFirst(opening.count)
    return String(decoding: rest.prefix { $0 != UInt8(ascii: "\"") }, as: UTF8.self)
  }
}
