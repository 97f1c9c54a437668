import Foundation

/// Submits plans and waits for their ends, then, told to by the end of its input, looks at every
/// task's output.
///
/// Prints one JSON object before that: `seconds` from the first call to the last plan's end (or until
/// all are stored), and how many `plans` and `tasks` that were. Ends with 1 where a plan did not
/// complete, or an output is not what the adapter makes of the task.
@main
struct EngineLoad {
  static func main() async {
    guard let arguments = Arguments(Array(CommandLine.arguments.dropFirst())) else {
      complain(Arguments.usage)
      exit(64)
    }
    do {
      let load = try Load(arguments)
      let outcome = try await load.run()
      print(
        "{\"seconds\": \(outcome.seconds), \"plans\": \(outcome.planIDs.count), "
          + "\"tasks\": \(outcome.planIDs.count * load.plan.tasks.count)}")
      fflush(nil)
      while readLine() != nil {}
      try await load.check(outcome.planIDs)
    } catch {
      complain("EngineLoad: \(error)")
      exit(1)
    }
  }

  private static func complain(_ text: String) {
    FileHandle.standardError.write(Data("\(text)\n".utf8))
  }
}
