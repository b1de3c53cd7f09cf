"""Asked and answered: questions, evidence, answers, streams."""
