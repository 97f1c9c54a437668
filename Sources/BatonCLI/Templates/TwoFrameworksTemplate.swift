extension PlanTemplate {
  static let twoFrameworksText = #"""
    # Two frameworks in one plan: CrewAI agents and a crew, and a LangChain step that uses what they
    # made. Both adapters must be registered: baton adapters
    # Run it: baton submit FILE --watch
    name: two-frameworks

    inputs:
      topic: bees

    tasks:
      # `agent` is portable: take `adapter` out, and the server's routes choose who runs it.
      - id: research
        type: agent
        adapter: crewai
        payload:
          role: Researcher
          goal: "Find out about ${{ inputs.topic }}"
          backstory: You look for what most people do not know.
          instructions: "List two facts about ${{ inputs.topic }}."
          expected_output: Two short facts.

      # `crew` is CrewAI's own. A crew of your own code is named by its place instead of a
      # definition, entrypoint: "package.module:attribute"; the adapter's configuration must list it.
      - id: discuss
        type: crew
        adapter: crewai
        depends_on: [research]
        payload:
          definition:
            name: discussion
            agents:
              optimist: {role: Optimist, goal: see the good side, backstory: You are cheerful.}
              pessimist: {role: Pessimist, goal: see the bad side, backstory: You are careful.}
            tasks:
              - name: good
                agent: optimist
                description: "What is good about this? {facts}"
                expected_output: One sentence.
              - name: bad
                agent: pessimist
                description: "What is bad about this? {facts}"
                expected_output: One sentence.
          inputs:
            facts: "${{ tasks.research.output.text }}"

      # A LangGraph graph of your own code would be: type: graph, adapter: langchain,
      # payload: {entrypoint: "package.module:attribute", input: {...}}
      - id: write
        type: prompt
        adapter: langchain
        depends_on: [research, discuss]
        payload:
          system: You write in plain words.
          prompt: |
            Write three sentences about ${{ inputs.topic }}.
            Facts: ${{ tasks.research.output.text }}
            Discussion: ${{ tasks.discuss.output.text }}

    """#
}
