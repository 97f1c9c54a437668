internal import Foundation
internal import JSON
internal import Messages
internal import Plan

/// Shows a plan while it runs, in the form that fits who looks.
struct PlanWatch: Sendable {
  let connection: Connection
  let planID: String
  let format: OutputFormat

  /// Follows the plan to its end and answers how it ended.
  func run() async throws -> PlanStatus {
    let state = try await connection.plan(planID, view: .basic)
    let terminal = Terminal.standardOutput
    let follower = PlanFollower(connection: connection, planID: planID)
    switch format {
    case .json:
      let screen = EventLines(PlanView(state)) { event, _ in event.json.text }
      try await follower.follow { await screen.hear($0, in: .json) }
      return await screen.view.status
    case .text where terminal.isInteractive:
      return try await watchLive(follower, state, terminal)
    case .text:
      let screen = EventLines(PlanView(state)) { event, text in text.line(event) }
      try await follower.follow { await screen.hear($0, in: .text) }
      return await screen.view.status
    }
  }

  private func watchLive(
    _ follower: PlanFollower, _ state: BatonV1.PlanState, _ terminal: Terminal
  ) async throws -> PlanStatus {
    let table = LiveTable(PlanView(state), terminal)
    try await withThrowingTaskGroup { group in
      group.addTask {
        while !Task.isCancelled {
          await table.draw()
          try? await Task.sleep(for: .milliseconds(100))
        }
      }
      defer { group.cancelAll() }
      try await follower.follow { await table.hear($0) }
    }
    await table.draw()
    return await table.view.status
  }
}

/// The live table of a terminal.
private actor LiveTable {
  private(set) var view: PlanView
  private var screen: LiveScreen
  private let terminal: Terminal

  init(_ view: PlanView, _ terminal: Terminal) {
    self.view = view
    self.terminal = terminal
    screen = LiveScreen(terminal)
  }

  func hear(_ news: PlanFollower.News) {
    switch news {
    case .event(let event): view.apply(event)
    case .progress(let progress): view.apply(progress)
    case .interrupted(let why): view.notice = "Connection lost (\(why)); trying again …"
    case .connected: view.notice = ""
    }
  }

  func draw() {
    let size = terminal.size
    screen.draw(
      view.render(
        width: size.columns - 1, height: size.lines - 1, now: TimeText.now(),
        style: terminal.style))
  }
}

/// One line per event.
private actor EventLines {
  private(set) var view: PlanView
  private var text = EventText(style: Terminal.standardOutput.style, zone: .current)
  private let line: @Sendable (BatonV1.PlanEvent, inout EventText) -> String

  init(
    _ view: PlanView,
    line: @escaping @Sendable (BatonV1.PlanEvent, inout EventText) -> String
  ) {
    self.view = view
    self.line = line
  }

  func hear(_ news: PlanFollower.News, in format: OutputFormat) {
    switch news {
    case .event(let event):
      view.apply(event)
      Terminal.standardOutput.write(lines: [line(event, &text)])
    case .progress(let progress):
      // Chunks are for programs; people without a terminal read events and results.
      if format == .json { Terminal.standardOutput.write(lines: [progress.json.text]) }
    case .interrupted(let why):
      let clean = TerminalText.clean(why)
      Terminal.standardError.write(
        lines: ["baton: connection lost (\(clean)); trying again from the next event"])
    case .connected:
      Terminal.standardError.write(lines: ["baton: connected again"])
    }
  }
}
