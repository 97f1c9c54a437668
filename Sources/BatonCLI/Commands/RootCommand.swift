internal import ArgumentParser

/// The command line, started by the executable.
public enum BatonTool {
  /// Runs the command that the process's arguments name and ends the process with its exit code.
  public static func main() async { await RootCommand.main() }
}

struct RootCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "baton",
    abstract: "Runs plans of agent tasks durably, over CrewAI, LangChain and other frameworks.",
    discussion: """
      Exit codes: 0 done; 64 bad arguments or configuration; 65 a plan that is not valid; 66 a file \
      that cannot be read; 69 no server answers; 70 the server refused; 71 the system refused; 73 a \
      file that cannot be written; 74 the store is unusable. With --watch, and of `baton watch`: 0 \
      the plan completed, 1 it failed, 2 it was cancelled.
      """,
    version: "baton \(toolVersion)",
    groupedSubcommands: [
      CommandGroup(name: "Server", subcommands: [Serve.self, Dev.self, Health.self]),
      CommandGroup(
        name: "Plans",
        subcommands: [
          Init.self, Validate.self, Submit.self, Watch.self, Get.self, List.self, Trace.self,
          Explain.self,
          Cancel.self, Pause.self, Resume.self, Retry.self, Update.self,
          Approve.self,
        ]),
      CommandGroup(name: "About", subcommands: [Adapters.self, Version.self]),
    ])
}
