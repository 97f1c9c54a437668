extension PlanTemplate {
  static let retryText = #"""
    # Retries and time limits: what happens when something goes wrong.
    # Run it: baton submit FILE --watch; then read what happened: baton trace PLAN
    name: retry

    inputs:
      topic: the sea

    # For every task that says nothing itself. The pause before try n+1 is
    # initial * multiplier^(n-1), at most max, give or take the part that jitter says.
    retry:
      max_attempts: 3
      initial: 1s
      multiplier: 2
      max: 30s
      jitter: 0.2

    timeouts:
      # From the moment a task is ready until an adapter takes it.
      schedule_to_start: 10m
      # From then to its result; a task that takes longer is cancelled and tried again.
      start_to_close: 2m

    tasks:
      - id: facts
        type: prompt
        # A model that is busy is worth more patience. Errors that will not pass, such as an unknown
        # model, fail at once, whatever stands here.
        retry: {max_attempts: 6, initial: 500ms, max: 1m}
        payload:
          system: You answer in short sentences.
          prompt: "Name three facts about ${{ inputs.topic }}."

      - id: picture
        type: prompt
        depends_on: [facts]
        timeouts: {start_to_close: 30s}
        retry: {max_attempts: 1}
        # When it fails, the plan goes on, and what refers to its output reads null. With `fail`,
        # which is the default, everything that depends on it is skipped and the plan fails.
        on_failure: continue
        payload:
          system: You describe pictures in one sentence.
          prompt: |
            Describe a picture that shows this:
            ${{ tasks.facts.output.text }}

      - id: caption
        type: prompt
        depends_on: [picture]
        payload:
          system: You write captions.
          prompt: |
            Write a caption about ${{ inputs.topic }} for: ${{ tasks.picture.output.text }}

    """#
}
