"""What the patient tells each night: the dose, the sleep, the symptoms, and any new medicine."""
