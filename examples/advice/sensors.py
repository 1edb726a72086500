"""A plant of sensors, each with its limits: the same limits, made anew for every one of them."""

import inputs


class Sensor:
    def __init__(self, number, value):
        self.number = number
        self.value = value
        self.limits = {"low": -15.0, "high": 35.0, "alarm": 38.0, "unit": "C"}

    def is_fine(self):
        return self.limits["low"] <= self.value <= self.limits["high"]


def plant(path):
    sensors = []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file):
            sensors.append(Sensor(number, float(line)))
    return sensors


sensors = plant(inputs.readings(100_000))
print(f"{sum(sensor.is_fine() for sensor in sensors):,} of {len(sensors):,} sensors are fine")
