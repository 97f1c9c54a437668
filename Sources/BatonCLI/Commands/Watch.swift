internal import ArgumentParser

struct Watch: ReportingCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows a plan while it runs, then its results.",
    discussion: """
      A live table on a terminal, one line per event elsewhere; with -o json one object a line: \
      events and progress, then the plan with its outputs. A lost connection is made again, from \
      the next event on. Ends with 0 if the plan completed, 1 if it failed, 2 if it was cancelled.
      """)

  @Argument(help: "The plan's id.")
  var planID: String

  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  var format: OutputFormat { output.format }

  func execute() async throws {
    let connection = try Connection(server)
    defer { connection.close() }
    let watch = PlanWatch(connection: connection, planID: planID, format: format)
    try await WatchEnd(connection: connection, format: format, server: server).follow(watch)
  }
}
