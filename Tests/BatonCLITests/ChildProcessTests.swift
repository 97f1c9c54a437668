import Foundation
import Testing

@testable import BatonCLI

@Suite(.timeLimit(.minutes(1))) struct ChildProcessTests {
  private enum News: Sendable, Equatable {
    case line(String)
    case ready(String)
    case ended(String)
  }

  /// Starts a shell script and hears what it says.
  private func start(_ script: String) throws -> (ChildProcess, AsyncStream<News>) {
    let (news, continuation) = AsyncStream.makeStream(of: News.self)
    let child = ChildProcess(name: "child")
    try child.start(
      ["/bin/sh", "-c", script], environment: ["PATH": "/usr/bin:/bin", "WORD": "hello"],
      print: { continuation.yield(.line($0)) },
      hear: {
        switch $0 {
        case .ready(let details): continuation.yield(.ready(details))
        case .ended(let how): continuation.yield(.ended(how.description))
        }
      })
    return (child, news)
  }

  @Test func linesAndReadinessAreToldWhileItRuns() async throws {
    let (child, news) = try start("echo $WORD; echo 'READY {}'; echo oops >&2; exec sleep 600")
    var heard: Set<String> = []
    for await item in news {
      heard.insert("\(item)")
      if heard.count == 3 { child.terminate() }
      if case .ended = item { break }
    }
    #expect(
      heard == ["line(\"hello\")", "line(\"oops\")", "ready(\"{}\")", "ended(\"by signal 15\")"])
    #expect(child.hasEnded)
  }

  /// Tests run on a pool's threads, which block SIGTERM.
  @Test func aChildTakesSIGTERMWhateverThreadStartedIt() async throws {
    let (child, news) = try start(
      "trap 'exit 7' TERM; echo 'READY {}'; while :; do sleep 0.05; done")
    for await item in news {
      if case .ready = item { child.terminate() }
      if case .ended(let how) = item {
        #expect(how == "with exit code 7")
        break
      }
    }
  }

  @Test func aProgramThatIsNotThereEnds() async throws {
    let (_, news) = try start("exec /nowhere/program")
    for await item in news {
      if case .ended(let how) = item {
        #expect(how.hasPrefix("with exit code 12"))
        break
      }
    }
  }
}
