internal import ArgumentParser
internal import JSON
internal import Messages
internal import Stubs

struct Health: ReportingCommand {
  static let configuration = CommandConfiguration(
    abstract: "Asks the server whether it serves (grpc.health.v1).",
    discussion: "Ends with 0 if it does, with 1 if it does not, or does not answer.")

  @Option(help: "A service's full name; without one: the server as a whole.")
  var service: String = ""

  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  var format: OutputFormat { output.format }

  func execute() async throws {
    let connection = try Connection(server)
    defer { connection.close() }
    let request = GrpcHealthV1.HealthCheckRequest(service: service)
    let answer: GrpcHealthV1.HealthCheckResponse
    do throws(CommandFailure) {
      answer = try await connection.call { options in
        try await connection.health.check(request, options: options)
      }
    } catch {
      // A container's health check knows healthy and unhealthy.
      var failure = error
      failure.status = .unhealthy
      throw failure
    }
    let isServing = answer.status == .serving
    let word = isServing ? "SERVING" : "NOT_SERVING"
    let text = format == .json ? JSONValue.object([JSONMember("status", .string(word))]).text : word
    Terminal.standardOutput.write(lines: [text])
    if !isServing { throw ExitCode(ExitStatus.unhealthy.rawValue) }
  }
}
