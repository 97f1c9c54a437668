import Messages

/// A plan as callers submit it: prompts with references to the tasks before, some with a retry
/// policy, timeouts and metadata.
enum PlanSample {
  static func plan(taskCount: Int) -> BatonV1.Plan {
    BatonV1.Plan(
      name: "weekly-market-report", owner: "research@example.com",
      labels: ["team": "research", "stage": "production"],
      metadata: ["ticket": "RES-1482", "requested-by": "planning"],
      inputsJson: Array(#"{"topic": "battery recycling", "language": "en", "depth": 3}"#.utf8),
      tasks: (0..<taskCount).map(task),
      adapter: "langchain",
      retry: BatonV1.RetryPolicy(
        maxAttempts: 3, initialDelay: .initialDelayMs(1000), multiplier: 2, maxDelayMs: 60_000,
        jitterValue: .jitter(0.2)),
      timeouts: BatonV1.Timeouts(scheduleToStartMs: 3_600_000, startToCloseMs: 600_000),
      priority: 5, maxParallel: 16)
  }

  private static func task(_ index: Int) -> BatonV1.Task {
    let prompt = """
      {"system": "You are an analyst. You write short, sourced notes in plain words, for people who \
      have to decide and did not read the sources themselves.", \
      "prompt": "Section \(index): summarise what ${{ tasks.section-\(max(index - 1, 0)).output }} \
      says about prices, capacity and regulation, name every source, and say what is uncertain.", \
      "temperature": 0.2, "max_tokens": 512}
      """
    return BatonV1.Task(
      id: "section-\(index)", type: "prompt", payloadJson: Array(prompt.utf8),
      dependsOn: index == 0 ? [] : ["section-\(index - 1)"],
      adapter: index % 5 == 0 ? "crewai" : "",
      retry: index % 4 == 0 ? BatonV1.RetryPolicy(maxAttempts: 5, maxDelayMs: 30_000) : nil,
      timeouts: index % 8 == 0 ? BatonV1.Timeouts(startToCloseMs: 120_000) : nil,
      priority: Int32(index % 3), onFailure: index % 7 == 0 ? .continue : .fail,
      metadata: ["section": "\(index)"])
  }
}
