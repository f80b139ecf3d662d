"""Plain KerasTuner code: a HyperModel that tunes how it is trained, too."""

import keras
import keras_tuner


class Network(keras_tuner.HyperModel):
    def build(self, hp):
        model = keras.Sequential(
            [
                keras.layers.Dense(hp.Int("units", 8, 64, step=8), activation="relu"),
                keras.layers.Dense(1),
            ]
        )
        model.compile(optimizer=keras.optimizers.Adam(0.01), loss="mse", metrics=["mae"])
        return model

    def fit(self, hp, model, x, y, validation_data=None, **kwargs):
        if hp.Boolean("normalize"):
            normalize = keras.layers.Normalization()
            normalize.adapt(x)
            x = normalize(x)
            if validation_data is not None:
                validation_data = (normalize(validation_data[0]), validation_data[1])
        batch_size = hp.Choice("batch_size", [16, 32])
        return model.fit(x, y, validation_data=validation_data, batch_size=batch_size, **kwargs)
