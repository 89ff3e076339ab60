// The words of the page, in each language of the interface.
export const WORDS = {
  en: {
    model: "Model", language: "Interface", key: "API key", translate: "Translate", copy: "Copy", copied: "Copied",
    shade: "Shade unsure words", file: "Translate a file:", alternatives: "Other translations", history: "History",
    kept: "Kept in this browser only.", forget: "Delete the history", generate: "Continue a text", prompt: "Beginning",
    begin: "Generate", stop: "Stop", temperature: "Temperature", top_k: "Top k (0 = all)", tokens: "Maximum tokens",
    seed: "Seed", generated: "Generated text", chat: "Conversation", turns: "What was said", say: "Your message",
    send: "Send", again: "New conversation", two: "Two answers: choose the better one", classify: "Classify a text",
    judged: "Text", other: "Second text", classes: "Probabilities", class: "Class", probability: "Probability",
    you: "You", assistant: "Model", better: "This one is better", equal: "Equal", skip: "Skip", thanks: "Choice saved.",
    gone: "The server does not answer. Trying again …", swap: "Swap the languages", detected: "detected",
    characters: "characters", probable: "probability", drop: "or drop a text file here", translated: "Translated file",
  },
  fr: {
    model: "Modèle", language: "Interface", key: "Clé d’API", translate: "Traduire", copy: "Copier", copied: "Copié",
    shade: "Ombrer les mots peu sûrs", file: "Traduire un fichier :", alternatives: "Autres traductions",
    history: "Historique", kept: "Gardé dans ce navigateur seulement.", forget: "Effacer l’historique",
    generate: "Continuer un texte", prompt: "Début", begin: "Générer", stop: "Arrêter", temperature: "Température",
    top_k: "Top k (0 = tous)", tokens: "Jetons au plus", seed: "Graine", generated: "Texte généré",
    chat: "Conversation", turns: "Ce qui a été dit", say: "Votre message", send: "Envoyer",
    again: "Nouvelle conversation", two: "Deux réponses : choisir la meilleure", classify: "Classer un texte",
    judged: "Texte", other: "Second texte", classes: "Probabilités", class: "Classe", probability: "Probabilité",
    you: "Vous", assistant: "Modèle", better: "Celle-ci est meilleure", equal: "Égales", skip: "Passer",
    thanks: "Choix enregistré.", gone: "Le serveur ne répond pas. Nouvel essai …", swap: "Inverser les langues",
    detected: "détecté", characters: "caractères", probable: "probabilité", drop: "ou déposez ici un fichier de texte",
    translated: "Fichier traduit",
  },
};
