internal import ArgumentParser
internal import Foundation
internal import Plan

struct Init: ReportingCommand {
  static let configuration = CommandConfiguration(
    abstract: "Writes a plan to start from.",
    discussion: "Templates:\n" + PlanTemplate.overview)

  @Argument(help: "The template; without one: which there are.")
  var template: PlanTemplate?

  @Argument(help: "Where to write it; without one: standard output.")
  var file: String?

  @Flag(help: "Replace a file that is there already.")
  var force = false

  @OptionGroup var output: OutputOptions

  var format: OutputFormat { output.format }

  func execute() async throws {
    let terminal = Terminal.standardOutput
    guard let template else { return terminal.write(lines: [PlanTemplate.overview]) }
    let text = try text(template)
    guard let file else { return terminal.write(text) }
    if FileManager.default.fileExists(atPath: file), !force {
      var failure = CommandFailure(
        .cannotCreate, code: "ALREADY_EXISTS", message: "\(file) is there already")
      failure.advice = "Name another file, or replace it with --force."
      throw failure
    }
    do {
      try text.write(toFile: file, atomically: true, encoding: .utf8)
    } catch {
      throw CommandFailure(
        .cannotCreate, code: "CANNOT_WRITE",
        message: "\(file) cannot be written: \(error.localizedDescription)")
    }
    terminal.write(lines: ["Wrote \(file). Run it: baton submit \(file) --watch"])
  }

  private func text(_ template: PlanTemplate) throws(CommandFailure) -> String {
    guard format == .json else { return template.text }
    let plan = try PlanFile(text: template.text, name: template.rawValue).plan
    return PrettyJSON.text(plan.document) + "\n"
  }
}

extension PlanTemplate: ExpressibleByArgument {}
