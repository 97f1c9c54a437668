import ArgumentParser
import Configuration
import Testing

@testable import BatonCLI

@Suite struct ArgumentTests {
  private func parse<Command: ParsableCommand>(
    _ type: Command.Type, _ arguments: String...
  ) throws -> Command {
    try #require(try RootCommand.parseAsRoot(arguments) as? Command)
  }

  @Test func everySettingIsAFlag() throws {
    var arguments = ["serve", "--config", "x.yaml"]
    var wanted: [String: String] = [:]
    for setting in ServerConfiguration.settingNames {
      if setting.flag == "insecure" {
        arguments.append("--insecure")
        wanted["insecure"] = "true"
      } else {
        arguments += ["--\(setting.flag)", "value of \(setting.flag)"]
        wanted[setting.flag] = "value of \(setting.flag)"
      }
    }
    let serve = try #require(try RootCommand.parseAsRoot(arguments) as? Serve)
    #expect(serve.flags.values == wanted)
    #expect(serve.flags.config == "x.yaml")
    #expect(try parse(Serve.self, "serve").flags.values == [:])
  }

  @Test func helpNamesVariables() {
    let help = RootCommand.helpMessage(for: Serve.self)
    for setting in ServerConfiguration.settingNames {
      #expect(help.contains(setting.variable), "\(setting.variable)")
    }
  }

  @Test func submitTakesWhatItIsGiven() throws {
    let submit = try parse(
      Submit.self, "submit", "plan.yaml", "--watch", "--input", "a=1", "--input", "b=2",
      "--namespace", "n", "--request-key", "k", "-o", "json", "--server", "127.0.0.1:1")
    #expect(submit.file == "plan.yaml")
    #expect(submit.watch)
    #expect(submit.inputs == ["a=1", "b=2"])
    #expect(submit.namespace == "n")
    #expect(submit.requestKey == "k")
    #expect(submit.format == .json)
    #expect(submit.server.address == "127.0.0.1:1")
    #expect(submit.server.suffix == " --server 127.0.0.1:1")
  }

  @Test(arguments: [
    ["get", "P"], ["list", "--status", "failed", "--label", "a=b"], ["watch", "P"], ["trace", "P"],
    ["cancel", "P", "--reason", "r"], ["pause", "P"], ["resume", "P"], ["validate", "-"],
    ["adapters"], ["init", "fan-out-join", "plan.yaml", "--force"], ["version"], ["health"],
    ["dev", "--debug", "--run", "a=b", "--listen", "127.0.0.1:0"],
  ])
  func everyCommandIsKnown(arguments: [String]) throws {
    let command = try RootCommand.parseAsRoot(arguments)
    #expect(type(of: command).configuration.abstract.isEmpty == false)
    #expect(type(of: command)._commandName == arguments[0])
  }

  @Test(arguments: [
    ["list", "--limit", "0"], ["list", "--label", "a"], ["list", "--status", "lost"],
    ["get"], ["init", "nothing"], ["submit", "a.yaml", "-o", "xml"], ["fly"],
  ])
  func badArgumentsEndWith64(arguments: [String]) {
    do {
      _ = try RootCommand.parseAsRoot(arguments)
      Issue.record("\(arguments) was taken")
    } catch {
      #expect(RootCommand.exitCode(for: error).rawValue == 64)
    }
  }
}
