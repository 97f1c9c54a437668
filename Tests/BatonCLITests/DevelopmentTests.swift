import Configuration
import Testing

@testable import BatonCLI

@Suite struct DevelopmentTests {
  private let configured = [DevelopmentProcess(name: "one", command: ["./one"])]

  @Test func flagsComeFirstThenTheFileThenWhatIsThere() throws {
    let fromFlags = try DevelopmentProcesses.choose(["a=b --c 'd e'"], configured) { _ in true }
    #expect(
      fromFlags == [DevelopmentProcess(name: "a", command: ["/bin/sh", "-c", "exec b --c 'd e'"])])
    #expect(try DevelopmentProcesses.choose([], configured) { _ in true } == configured)
    let found = try DevelopmentProcesses.choose([], []) { $0.contains("langchain") }
    #expect(
      found == [
        DevelopmentProcess(name: "langchain", command: [".venv-langchain/bin/baton-langchain"])
      ])
  }

  @Test(arguments: ["a", "=b", "a="]) func aFlagNeedsNameAndCommand(flag: String) {
    #expect(throws: CommandFailure.self) {
      try DevelopmentProcesses.choose([flag], []) { _ in true }
    }
  }

  @Test func childrenAreLedToTheServerAndKeepNothingOfItsSettings() {
    var configuration = ServerConfiguration()
    configuration.logFormat = .text
    configuration.logLevel = .notice
    let environment = DevelopmentProcesses.environment(
      ["PATH": "/bin", "BATON_LISTEN": "127.0.0.1:1", "BATON_CONFIG": "x", "OPENAI_API_KEY": "k"],
      server: "127.0.0.1:7", configuration: configuration)
    #expect(
      environment == [
        "PATH": "/bin", "OPENAI_API_KEY": "k", "BATON_ORCHESTRATOR": "127.0.0.1:7",
        "BATON_LOG_FORMAT": "text", "BATON_LOG_LEVEL": "info", "PYTHONUNBUFFERED": "1",
      ])
  }
}
