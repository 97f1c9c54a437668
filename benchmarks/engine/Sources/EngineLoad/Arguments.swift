/// What is asked for on the command line.
struct Arguments {
  var server = ""
  var shape = Shape.chain
  var taskCount = 0
  var planCount = 1
  /// Return once the plans are stored.
  var submitsOnly = false
  /// Streams of events of the first plan that are opened and never read.
  var watcherCount = 0
  var metadata: [String: String] = [:]
  /// The first task of a plan takes that long ("500ms"), and the time after it is what counts.
  var firstDelay: String?
  /// Milliseconds over which the submissions are spread.
  var spreadMilliseconds = 0

  static let usage = """
    usage: EngineLoad SERVER SHAPE TASKS PLANS [--submit-only] [--watchers N]
             [--metadata KEY=VALUE]... [--first-delay DURATION] [--spread MILLISECONDS]
    """

  /// Nil where the arguments mean nothing.
  init?(_ words: [String]) {
    guard words.count >= 4, let shape = Shape(rawValue: words[1]), let tasks = Int(words[2]),
      let plans = Int(words[3]), tasks > 0, plans > 0
    else { return nil }
    (server, self.shape, taskCount, planCount) = (words[0], shape, tasks, plans)
    var rest = words[4...]
    while let flag = rest.popFirst() {
      switch flag {
      case "--submit-only": submitsOnly = true
      case "--watchers":
        guard let count = rest.popFirst().flatMap({ Int($0) }) else { return nil }
        watcherCount = count
      case "--spread":
        guard let spread = rest.popFirst().flatMap({ Int($0) }) else { return nil }
        spreadMilliseconds = spread
      case "--first-delay":
        guard let delay = rest.popFirst() else { return nil }
        firstDelay = delay
      case "--metadata":
        guard let pair = rest.popFirst()?.split(separator: "=", maxSplits: 1), pair.count == 2
        else { return nil }
        metadata[String(pair[0])] = String(pair[1])
      default: return nil
      }
    }
  }
}
