extension PlanTemplate {
  static let fanOutJoinText = #"""
    # Fan-out and join: several tasks run side by side, and one puts their results together.
    # Run it: baton submit FILE --watch
    name: fan-out-join

    inputs:
      question: Should a small team write its own build system?

    # At most so many tasks of this plan are with adapters at one time.
    max_parallel: 3

    tasks:
      # Tasks without depends_on start at once.
      - id: for
        type: agent
        payload:
          role: Advocate
          goal: Find the best reasons in favour
          instructions: "Give two reasons in favour: ${{ inputs.question }}"
          expected_output: Two short reasons.

      - id: against
        type: agent
        payload:
          role: Skeptic
          goal: Find the best reasons against
          instructions: "Give two reasons against: ${{ inputs.question }}"
          expected_output: Two short reasons.

      - id: history
        type: prompt
        payload:
          system: You answer in one or two sentences.
          prompt: "What did others learn who asked: ${{ inputs.question }}"
        # The plan goes on without this one; references to its output are null then.
        on_failure: continue

      - id: decide
        type: prompt
        depends_on: [for, against, history]
        # Among tasks that are ready, a higher number goes first.
        priority: 5
        payload:
          system: You weigh reasons and decide.
          prompt: |
            Question: ${{ inputs.question }}
            For: ${{ tasks.for.output.text }}
            Against: ${{ tasks.against.output.text }}
            History: ${{ tasks.history.output.text }}
            Answer in three sentences.

    """#
}
