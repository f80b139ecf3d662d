"""Plain KerasTuner code: a network or a linear model, each with hyperparameters of its own."""

import keras


def build_model(hp):
    model = keras.Sequential([keras.Input((3,))])
    kind = hp.Choice("kind", ["network", "linear"])
    with hp.conditional_scope("kind", ["network"]):
        if kind == "network":
            for number in range(hp.Int("layers", 1, 3)):
                model.add(keras.layers.Dense(hp.Int(f"units_{number}", 8, 32, step=8), activation="relu"))
    with hp.conditional_scope("kind", ["linear"]):
        if kind == "linear":
            penalty = hp.Float("l2", 1e-5, 1e-2, sampling="log")
            model.add(keras.layers.Dense(8, kernel_regularizer=keras.regularizers.L2(penalty)))
    model.add(keras.layers.Dense(1))
    learning_rate = hp.Float("learning_rate", 1e-3, 1e-1, sampling="log")
    model.compile(optimizer=keras.optimizers.Adam(learning_rate), loss="mse", metrics=["mae"])
    return model
