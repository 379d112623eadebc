"""A reconstruction of the replaced API's shape: Flask and Flask-SQLAlchemy, five routes, one table.

PAYMENT_COLUMN chooses the money column: `float`, the type that API documented, or `numeric`, the kindest reading of it.
"""

import os
from typing import Any
from uuid import UUID

from flask import Flask, Response, jsonify, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = os.environ["DATABASE_URL"].replace("postgresql:", "postgresql+psycopg2:")
db = SQLAlchemy(app)
COLUMN = {"float": db.Float, "numeric": db.Numeric(7, 2)}[os.environ["PAYMENT_COLUMN"]]


class Payment(db.Model):  # type: ignore[name-defined,misc]
    __tablename__ = "payments"
    id = db.Column(db.Uuid, primary_key=True, server_default=text("uuidv7()"))
    status = db.Column(db.String(10), nullable=False, default="inserted")
    data = db.Column(JSONB, nullable=False)
    payment = db.Column(COLUMN, nullable=False)

    def to_json(self) -> dict[str, Any]:
        return {"id": str(self.id), "status": self.status, "data": self.data, "payment": float(self.payment)}


with app.app_context():
    db.create_all()


@app.post("/create")
def create() -> Response:
    body = request.get_json()
    payment = Payment(data=body["data"], payment=body["payment"])
    db.session.add(payment)
    db.session.commit()
    return jsonify(payment.to_json())


@app.get("/list")
def list_payments() -> Response:
    return jsonify([payment.to_json() for payment in db.session.scalars(db.select(Payment).order_by(Payment.id))])


@app.put("/update/<uuid:payment_id>")
def update(payment_id: UUID) -> Response:
    payment = db.get_or_404(Payment, payment_id)
    payment.status = request.get_json()["status"]
    db.session.commit()
    return jsonify(payment.to_json())


@app.delete("/delete/<uuid:payment_id>")
def delete(payment_id: UUID) -> Response:
    payment = db.get_or_404(Payment, payment_id)
    answer = jsonify(payment.to_json())
    db.session.delete(payment)
    db.session.commit()
    return answer


@app.get("/status")
def status() -> str:
    return "ok"
