extension PlanTemplate {
  static let chainText = #"""
    # A chain: each step builds on the one before.
    # Run it: baton submit FILE --watch --input topic=coffee
    name: chain

    # What tasks read as ${{ inputs.NAME }}; --input overrides it.
    inputs:
      topic: tea

    tasks:
      # `prompt` is one call of a model, the same on every adapter.
      - id: outline
        type: prompt
        payload:
          system: You are a helpful writer.
          prompt: "Write an outline of a short text about ${{ inputs.topic }}, in three points."

      - id: draft
        type: prompt
        # The tasks to wait for; their outputs may be used below.
        depends_on: [outline]
        payload:
          system: You are a helpful writer.
          prompt: |
            Write a short text about ${{ inputs.topic }} from this outline:
            ${{ tasks.outline.output.text }}

      - id: title
        type: prompt
        depends_on: [draft]
        payload:
          system: You are a helpful writer.
          prompt: |
            Give this text a title of at most six words:
            ${{ tasks.draft.output.text }}

    """#
}
