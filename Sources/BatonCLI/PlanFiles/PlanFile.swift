internal import Configuration
internal import Foundation
internal import JSON
internal import Messages
internal import Plan
internal import PlanMapping

/// A plan as somebody wrote it, with the lines to show mistakes at.
struct PlanFile: Sendable {
  private(set) var plan: Plan
  private let source: SourceDocument

  /// - Parameter path: a file, or `-` for standard input.
  init(path: String) throws(CommandFailure) {
    let data: Data
    do {
      data =
        path == "-"
        ? try FileHandle.standardInput.readToEnd() ?? Data()
        : try Data(contentsOf: URL(fileURLWithPath: path))
    } catch {
      throw CommandFailure(
        .noInput, code: "NO_INPUT", message: "\(path) cannot be read: \(Self.why(error))")
    }
    guard let text = String(validating: data, as: UTF8.self) else {
      throw CommandFailure(
        .badData, code: "BAD_TEXT", message: "\(path) is not a text in UTF-8")
    }
    try self.init(text: text, name: path == "-" ? "standard input" : path)
  }

  private static func why(_ error: any Error) -> String {
    (error as? CocoaError)?.code == .fileReadNoSuchFile
      ? "there is no such file" : error.localizedDescription
  }

  init(text: String, name: String) throws(CommandFailure) {
    do throws(SourceError) {
      source = try SourceDocument(text: text, name: name)
    } catch {
      throw CommandFailure(.badData, code: "BAD_SYNTAX", message: error.description)
    }
    do throws(PlanProblems) {
      plan = try Plan(document: source.value)
    } catch {
      throw Self.failure(error, source)
    }
  }

  /// Sets inputs that were given beside the file, `NAME=VALUE` each.
  mutating func setInputs(_ arguments: [String]) throws(CommandFailure) {
    guard !arguments.isEmpty else { return }
    var members: [JSONMember] = []
    if case .object(let found)? = try? JSONValue(parsing: plan.inputs) { members = found }
    for argument in arguments {
      let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, !parts[0].isEmpty else {
        throw CommandFailure(
          .usage, code: "BAD_ARGUMENT", message: "--input \(argument): write NAME=VALUE")
      }
      let value: JSONValue
      do throws(SourceError) {
        value = try SourceDocument.value(ofArgument: String(parts[1]), name: "--input \(parts[0])")
      } catch {
        throw CommandFailure(.usage, code: "BAD_ARGUMENT", message: error.description)
      }
      members.removeAll { $0.key == parts[0] }
      members.append(JSONMember(String(parts[0]), value))
    }
    plan.inputs = JSONValue.object(members).bytes
  }

  /// Checks all that can be checked without a server.
  func compile() throws(CommandFailure) -> CompiledPlan {
    do throws(PlanProblems) {
      return try CompiledPlan(plan)
    } catch {
      throw Self.failure(error, source)
    }
  }

  private static func failure(
    _ problems: PlanProblems, _ source: SourceDocument
  ) -> CommandFailure {
    refusal(
      source,
      problems.problems.map {
        BatonV1.Problem(field: $0.field, reason: $0.reason.name, message: $0.message)
      })
  }

  /// What is wrong with the plan, each thing at its line.
  func refusal(_ problems: [BatonV1.Problem]) -> CommandFailure { Self.refusal(source, problems) }

  private static func refusal(
    _ source: SourceDocument, _ problems: [BatonV1.Problem]
  ) -> CommandFailure {
    var failure = CommandFailure(
      .badData, code: "INVALID_ARGUMENT",
      message: "\(source.name) is not a valid plan")
    failure.reason = problems.first?.reason ?? ""
    failure.problems = problems.map {
      CommandFailure.Problem(
        place: source.place(of: $0.field), line: source.line(of: $0.field), field: $0.field,
        reason: $0.reason, message: $0.message)
    }
    return failure
  }
}
