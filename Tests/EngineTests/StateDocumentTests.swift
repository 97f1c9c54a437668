import Foundation
import Plan
import Testing

@testable import Engine

/// docs/state-machine.md shows the tables of `StateTable`, and nothing else.
struct StateDocumentTests {
  @Test("the page has the diagrams and tables of the states as they are")
  func page() throws {
    let page = try String(
      contentsOf: URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "docs/state-machine.md"), encoding: .utf8)
    let plan = Self.section(StateTable.plan, isFinal: \.isFinal)
    let task = Self.section(StateTable.task, isFinal: \.isFinal)
    for part in plan + task where !page.contains(part) {
      Issue.record("docs/state-machine.md is to hold this:\n\(part)")
    }
    #expect(page.components(separatedBy: "```mermaid").count == 3)
    #expect(page.components(separatedBy: "\n| ").count == (plan + task).rowCount + 1)
  }

  @Test("every state is in a table, and every change is there once")
  func complete() {
    check(StateTable.plan)
    check(StateTable.task)
  }

  private func check<State: CaseIterable & Hashable>(_ changes: [StateChange<State>]) {
    #expect(Set(changes.flatMap { [$0.from, $0.to] }) == Set(State.allCases))
    #expect(Set(changes.map { [$0.from, $0.to] }).count == changes.count)
  }

  // MARK: As the page shows them

  /// Diagram, the states with what they can go to, and the changes with their causes.
  private static func section<State: RawRepresentable<String> & CaseIterable & Hashable>(
    _ changes: [StateChange<State>], isFinal: (State) -> Bool
  ) -> [String] {
    let arrows = changes.map { "    \(name($0.from)) --> \(name($0.to))" }
    let ends = State.allCases.filter(isFinal).map { "    \(name($0)) --> [*]" }
    let first = State.allCases.first.map { ["    [*] --> \(name($0))"] } ?? []
    let states = State.allCases.map { state in
      let next = changes.filter { $0.from == state }.map { name($0.to) }
      let text = next.isEmpty ? "nothing" : next.joined(separator: ", ")
      return "| \(name(state)) | \(text) | \(isFinal(state) ? "yes" : "") |"
    }
    let causes = changes.map { "| \(name($0.from)) | \(name($0.to)) | \($0.cause) |" }
    return [
      (["```mermaid", "stateDiagram-v2"] + first + arrows + ends + ["```"]),
      (["| state | can go to | final |", "|---|---|---|"] + states),
      (["| from | to | when |", "|---|---|---|"] + causes),
    ].map { $0.joined(separator: "\n") + "\n" }
  }

  private static func name<State: RawRepresentable<String>>(_ state: State) -> String {
    state.rawValue.uppercased()
  }
}

extension [String] {
  /// Rows of tables, the heads among them.
  fileprivate var rowCount: Int {
    flatMap { $0.split(separator: "\n") }.count { $0.hasPrefix("| ") }
  }
}
